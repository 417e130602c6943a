// Runs the node tests of the onnx package through q8 and holds the results against a list of the
// failures that are expected.
//   q8_conformance NODE_TESTS EXPECTED_FAILURES scalar|best [TEST …]
// Exit codes: 0 all as listed · 1 an unlisted failure, or a listed test that passes · 77 no data.
// With names of tests, only these run, and the list is not looked at.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "compare.h"
#include "exec/session.h"
#include "onnx_io/load.h"

namespace fs = std::filesystem;

namespace {

constexpr unsigned kSecondsPerTest = 20;  // a test takes milliseconds: more is an endless loop
constexpr int kSkipped = 77;

std::vector<q8::Tensor> load_all(const fs::path& folder, const std::string& kind) {
  std::vector<q8::Tensor> tensors;
  for (int i = 0;; ++i) {
    const fs::path file = folder / (kind + "_" + std::to_string(i) + ".pb");
    if (!fs::exists(file)) return tensors;
    tensors.push_back(q8::load_tensor(file));
  }
}

// Empty where the test passes, else why not.
std::string run_test(const fs::path& folder, q8::Isa isa) {
  try {
    const q8::Model model = q8::load_model(folder / "model.onnx");
    q8::SessionOptions options;
    options.threads = 1;
    options.isa = isa;
    const q8::Session session(model.graph, options);
    int data_sets = 0;
    for (;; ++data_sets) {
      const fs::path data = folder / ("test_data_set_" + std::to_string(data_sets));
      if (!fs::exists(data)) break;
      const auto outputs = session.run(load_all(data, "input"));
      const auto expected = load_all(data, "output");
      if (outputs.size() != expected.size()) return "another number of outputs";
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        const std::string text = q8::difference(outputs[i], expected[i]);
        if (!text.empty()) return "output " + std::to_string(i) + ": " + text;
      }
    }
    return data_sets == 0 ? "no test data" : "";
  } catch (const std::exception& error) {
    const std::string text = error.what(), place = (folder / "model.onnx").string() + ": ";
    return text.starts_with(place) ? text.substr(place.size()) : text;
  }
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// Runs the tests from `first` on in a child process, so that a crash is a failure of one test.
// Returns one result for each test that was run; the last one may be a crash.
std::vector<std::string> run_in_child(const std::vector<fs::path>& tests, std::size_t first,
                                      q8::Isa isa) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    close(ends[0]);
    FILE* out = fdopen(ends[1], "w");
    for (std::size_t i = first; i < tests.size(); ++i) {
      alarm(kSecondsPerTest);
      std::fprintf(out, "%s\n", one_line(run_test(tests[i], isa)).c_str());
      std::fflush(out);
    }
    std::fclose(out);
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[65536];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  std::vector<std::string> results;
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    results.push_back(text.substr(at, end - at));
  if (first + results.size() < tests.size())
    results.push_back(WIFSIGNALED(status) ? "crashed: " + std::string(strsignal(WTERMSIG(status)))
                                          : "ended the process with exit code " +
                                                std::to_string(WEXITSTATUS(status)));
  return results;
}

// name<TAB>reason, one a line; # starts a comment.
std::map<std::string, std::string> read_expected(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::map<std::string, std::string> expected;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos || tab + 1 == line.size())
      throw std::runtime_error("no reason for " + line);
    expected[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return expected;
}

int compare_with_list(const std::map<std::string, std::string>& results,
                      const std::map<std::string, std::string>& expected) {
  int passed = 0, listed = 0, wrong = 0;
  std::map<std::string, int> reasons;
  for (const auto& [name, text] : results) {
    const auto it = expected.find(name);
    if (text.empty() && it == expected.end()) {
      ++passed;
    } else if (!text.empty() && it != expected.end()) {
      ++listed;
      ++reasons[it->second];
    } else {
      ++wrong;
      std::printf("%s\t%s\n", name.c_str(),
                  text.empty() ? "passes, but is listed as a failure" : text.c_str());
    }
  }
  for (const auto& [name, reason] : expected)
    if (!results.contains(name)) {
      ++wrong;
      std::printf("%s\tis listed, but there is no such test\n", name.c_str());
    }
  for (const auto& [reason, count] : reasons) std::printf("%5d  %s\n", count, reason.c_str());
  std::printf("%zu node tests: %d pass, %d fail as listed, %d not as listed\n", results.size(),
              passed, listed, wrong);
  return wrong == 0 ? 0 : 1;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3) {
    std::fprintf(stderr, "usage: q8_conformance NODE_TESTS EXPECTED_FAILURES scalar|best [TEST]\n");
    return 2;
  }
  const fs::path root = arguments[0];
  if (!fs::is_directory(root)) {
    std::printf("skipped: no node tests at '%s'; set Q8_PYTHON to a Python with onnx 1.22.0\n",
                root.c_str());
    return kSkipped;
  }
  const q8::Isa isa = arguments[2] == "scalar" ? q8::Isa::kScalar : q8::Isa::kAmx;
  std::vector<fs::path> tests;
  for (std::size_t i = 3; i < arguments.size(); ++i) tests.push_back(root / arguments[i]);
  if (tests.empty())
    for (const auto& entry : fs::directory_iterator(root))
      if (entry.is_directory()) tests.push_back(entry.path());
  std::sort(tests.begin(), tests.end());

  std::map<std::string, std::string> results;
  for (std::size_t done = 0; done < tests.size();)
    for (std::string& result : run_in_child(tests, done, isa))
      results[tests[done++].filename()] = std::move(result);
  return compare_with_list(results, arguments.size() > 3 ? std::map<std::string, std::string>{}
                                                         : read_expected(arguments[1]));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
