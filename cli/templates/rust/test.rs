
#[cfg(test)]
mod tests {
    use gloss_engine::assert_invariants;

    use super::*;

    #[test]
    fn it_passes_the_conformance_tests() -> Result<()> {
        let mut registry = Registry::new();
        register(&mut registry)?;
        registry
            .entries()
            .try_for_each(|entry| assert_invariants(entry, "{}"))
    }
}
