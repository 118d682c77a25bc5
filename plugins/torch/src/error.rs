//! libtorch's errors, in words for the person who has to mend them.

use gloss_core::Error;
use tch::TchError;

/// Wraps an error of libtorch met while it did `action`, as in "cannot *load the weights*"; made
/// for `map_err`.
///
/// Memory that ran out is the user's to mend; anything else is a fault of the component.
pub fn torch_error(action: &str) -> impl FnOnce(TchError) -> Error + use<> {
    let action = action.to_string();
    move |error| {
        let message = first_line(&error);
        match memory(&message) {
            Some(what) => Error::Usage(format!(
                "cannot {action}: {what} ran out ({message}). A smaller batch or shorter prompts \
                 need less, so do fewer beams, 16-bit numbers or 4-bit weights"
            )),
            None => Error::component("libtorch", format!("cannot {action}: {message}")),
        }
    }
}

/// What libtorch says, without the stack of C++ calls that follows it.
fn first_line(error: &TchError) -> String {
    let text = match error {
        TchError::Torch(text) => text.clone(),
        other => other.to_string(),
    };
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or("no reason given").to_string()
}

/// Which memory a message says to be used up, if that is what it says.
fn memory(message: &str) -> Option<&'static str> {
    let says = |part: &str| message.contains(part);
    if says("CUDA out of memory") || says("CUDA error: out of memory") {
        Some("the GPU's memory")
    } else if says("CUBLAS_STATUS_ALLOC_FAILED") {
        Some("the GPU's memory")
    } else if says("DefaultCPUAllocator") || says("not enough memory") {
        Some("memory")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_core::ErrorClass;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn memory_that_ran_out_is_the_users_to_mend() {
        let huge = Tensor::f_empty([1 << 56], (Kind::Float, Device::Cpu)).unwrap_err();
        let error = torch_error("hold the keys")(huge);
        assert_eq!(error.class(), ErrorClass::User);
        let text = error.to_string();
        assert!(
            text.starts_with("cannot hold the keys: memory ran out ("),
            "{text}"
        );
        assert!(!text.contains('\n'));
    }

    #[test]
    fn other_faults_lose_their_backtrace() {
        let a = Tensor::f_zeros([2, 3], (Kind::Float, Device::Cpu)).unwrap();
        let error = torch_error("multiply")(a.f_mm(&a).unwrap_err());
        assert_eq!(error.class(), ErrorClass::Internal);
        let text = error.to_string();
        assert!(
            text.starts_with("libtorch: cannot multiply: mat1 and mat2"),
            "{text}"
        );
        assert!(!text.contains('\n'));
    }
}
