#include "exec/half.h"

namespace q8 {

OpFunction computing_half_in_float(OpFunction function) {
  return [function = std::move(function)](RunContext& run) {
    std::optional<DType> half;
    for (std::size_t i = 0; i < run.input_count() && !half; ++i)
      if (run.has_input(i) && is_half(run.input(i).dtype())) half = run.input(i).dtype();
    if (!half) {
      function(run);
      return;
    }
    std::vector<Tensor> inputs(run.input_count()), outputs(run.output_count());
    std::vector<const Tensor*> pointers(run.input_count(), nullptr);
    for (std::size_t i = 0; i < run.input_count(); ++i) {
      if (!run.has_input(i)) continue;
      const Tensor& input = run.input(i);
      inputs[i] = is_half(input.dtype()) ? cast(input, DType::kF32, run.allocator) : input;
      pointers[i] = &inputs[i];
    }
    RunContext inner(pointers, outputs, run.allocator, run.threads, run.kernels, run.subgraphs);
    function(inner);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const bool narrow = outputs[i].dtype() == DType::kF32;
      run.set_output(i, narrow ? cast(outputs[i], *half, run.allocator) : std::move(outputs[i]));
    }
  };
}

}  // namespace q8
