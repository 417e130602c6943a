#include "q8/run.h"

#include "api/model_file.h"
#include "data/npz.h"
#include "exec/session.h"
#include "q8/output_file.h"

namespace q8 {

void run_model(const RunJob& job, const Host& host) {
  const ModelFile file = job.optimize ? open_model(job.model) : open_model_as_is(job.model);
  std::vector<std::filesystem::path> read = input_files(file);
  read.push_back(job.inputs);
  check_outputs({{.option = "-o", .path = job.output}}, read);
  const Graph& graph = file.model.graph;
  SessionOptions options = session_options(host);
  options.optimize = job.optimize;
  const auto arrays = read_npz(job.inputs);
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs()) {
    const Value& value = graph.value(id);
    const auto it = arrays.find(value.name);
    if (it == arrays.end())
      throw bad_input(job.inputs.string() + ": has no array '" + value.name +
                      "', which the model wants as input");
    const bool same = !value.type.dtype || *value.type.dtype == it->second.dtype();
    inputs.push_back(same ? it->second : cast(it->second, *value.type.dtype));
  }
  const Session session(graph, options);
  const std::vector<Tensor> outputs = session.run(inputs);
  std::map<std::string, Tensor> named;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    named[graph.value(graph.outputs()[i]).name] = outputs[i];
  write_npz(job.output, named);
}

}  // namespace q8
