
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_laws_of_components() -> Result<()> {
        let mut registry = Registry::new();
        register(&mut registry)?;
        registry
            .entries()
            .try_for_each(|entry| assert_invariants(entry, "{}"))
    }
}
