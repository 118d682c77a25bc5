//! libtorch's errors, in words for the person who has to mend them.

use gloss_core::Error;
use tch::TchError;

/// Wraps an error of libtorch met while it did `action`, as in "cannot *load the weights*"; made
/// for `map_err`.
///
/// Memory that ran out is the user's to mend; anything else is a fault of the component.
pub fn torch_error(action: &str) -> impl FnOnce(TchError) -> Error + use<> {
    torch_error_with(
        action,
        "A smaller batch or shorter prompts need less, so do fewer beams, 16-bit numbers or 4-bit \
         weights",
    )
}

/// [`torch_error`] with `advice`, a sentence without its full stop, for when memory ran out.
pub fn torch_error_with(action: &str, advice: &str) -> impl FnOnce(TchError) -> Error + use<> {
    let (action, advice) = (action.to_string(), advice.to_string());
    move |error| {
        let message = first_line(&error);
        match memory(&message) {
            Some(what) => Error::Usage(format!(
                "cannot {action}: {what} ran out ({message}). {advice}"
            )),
            None => Error::component("libtorch", format!("cannot {action}: {message}")),
        }
    }
}

/// Returns the message of libtorch without the C++ stack.
fn first_line(error: &TchError) -> String {
    let text = match error {
        TchError::Torch(text) => text.clone(),
        other => other.to_string(),
    };
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or("no reason given").to_string()
}

/// The messages of libtorch when the memory of the GPU or the CPU is exhausted.
const GPU_FULL: [&str; 3] = [
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
];
const CPU_FULL: [&str; 2] = ["DefaultCPUAllocator", "not enough memory"];

/// Returns the memory that a message reports as exhausted.
fn memory(message: &str) -> Option<&'static str> {
    let says_one_of = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    if says_one_of(&GPU_FULL) {
        Some("the GPU's memory")
    } else if says_one_of(&CPU_FULL) {
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
    fn the_memory_of_a_gpu_is_told_apart() {
        let text = "CUDA out of memory. Tried to allocate 2.00 GiB.\nException raised from malloc";
        let error = torch_error("generate")(TchError::Torch(text.to_string())).to_string();
        let expected = "cannot generate: the GPU's memory ran out (CUDA out of memory. Tried to \
                        allocate 2.00 GiB.). A smaller batch";
        assert!(error.starts_with(expected), "{error}");
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
