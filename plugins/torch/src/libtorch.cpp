// Functions of libtorch that have no C interface in tch. Each catches exceptions: none may cross
// into Rust. A tensor that is returned belongs to the caller; an argument stays with the caller.

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

namespace {

// Calls an operator by name; returns a new tensor, or null if there is no such operator or it fails.
at::Tensor* call(const char* name, const char* overload, torch::jit::Stack stack) noexcept {
  try {
    const auto op = c10::Dispatcher::singleton().findSchema({name, overload});
    if (!op) {
      return nullptr;
    }
    op->callBoxed(&stack);
    return new at::Tensor(stack.at(0).toTensor());
  } catch (...) {
    return nullptr;
  }
}

c10::IValue optional_text(const char* text) {
  return text == nullptr ? c10::IValue() : c10::IValue(std::string(text));
}

}  // namespace

extern "C" {

void gloss_set_sdp_cudnn(bool on) noexcept {
  at::globalContext().setSDPUseCuDNN(on);
}

bool gloss_sdp_cudnn() noexcept {
  return at::globalContext().userEnabledCuDNNSDP();
}

void gloss_set_deterministic(bool on) noexcept {
  // Else every tensor that is about to be written is filled before.
  at::globalContext().setDeterministicFillUninitializedMemory(!on);
  at::globalContext().setDeterministicAlgorithms(on, false);
}

bool gloss_deterministic() noexcept {
  return at::globalContext().deterministicAlgorithms() &&
      !at::globalContext().deterministicAlgorithmsWarnOnly();
}

// Writes the instruction set that libtorch's CPU kernels use, such as AVX2, as a C string.
void gloss_cpu_capability(char* text, size_t size) noexcept {
  std::string name;
  try {
    name = at::get_cpu_capability();
  } catch (...) {
  }
  const size_t length = std::min(name.size(), size - 1);
  std::memcpy(text, name.data(), length);
  text[length] = 0;
}

// Lays out a weight [out, in] for oneDNN.
at::Tensor* gloss_pack_linear(const at::Tensor* weight) noexcept {
  return call("mkldnn::_reorder_linear_weight", "", {*weight, c10::IValue()});
}

// A linear layer with a packed weight, followed by an activation of oneDNN's name and variant.
at::Tensor* gloss_linear(
    const at::Tensor* input,
    const at::Tensor* weight,
    const at::Tensor* bias,
    const char* activation,
    const char* variant) noexcept {
  const c10::List<std::optional<at::Scalar>> scalars;
  return call(
      "mkldnn::_linear_pointwise",
      "",
      {*input, *weight, *bias, std::string(activation), scalars, optional_text(variant)});
}

// A linear layer with a packed weight, and another tensor added.
at::Tensor* gloss_linear_add(
    const at::Tensor* input,
    const at::Tensor* other,
    const at::Tensor* weight,
    const at::Tensor* bias) noexcept {
  return call(
      "mkldnn::_linear_pointwise",
      "binary",
      {*input, *other, *weight, *bias, std::string("add")});
}

}  // extern "C"
