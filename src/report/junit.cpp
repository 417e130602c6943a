#include "report/figures.h"
#include "report/formats.h"
#include "report/xml_text.h"
#include "validate/gates.h"

namespace q8 {
namespace {

struct TestCase {
  std::string group, name;
  std::string failure;  // empty: passed
  std::string output;
};

std::vector<TestCase> gate_cases(const Validation& validation) {
  std::vector<TestCase> cases;
  for (const Gate& gate : validation.gates) {
    const std::string text = gate.name + ": " + gate_value(gate) + ", limit " + gate_limit(gate);
    cases.push_back({.group = "q8.gates",
                     .name = gate.name,
                     .failure = gate.passed ? "" : text,
                     .output = text});
  }
  return cases;
}

// A class fails where it is below the least accuracy of any class that was asked for.
std::vector<TestCase> class_cases(const Validation& validation) {
  const Gate* least = nullptr;
  for (const Gate& gate : validation.gates)
    if (gate.name == "min-class-accuracy") least = &gate;
  std::vector<TestCase> cases;
  for (const ClassResult& result : worst_first(validation.classes)) {
    const std::string text = percent(result.fp32()) + " in FP32, " + percent(result.int8()) +
                             " in INT8, " + std::to_string(result.samples) + " samples";
    const bool failed = least != nullptr && !reaches(result.int8(), least->limit);
    cases.push_back({.group = "q8.classes",
                     .name = result.name,
                     .failure = failed ? text + "; limit " + gate_limit(*least) : "",
                     .output = text});
  }
  return cases;
}

std::string suite(const std::string& name, const std::vector<TestCase>& cases) {
  if (cases.empty()) return {};
  std::size_t failures = 0;
  std::string body;
  for (const TestCase& test : cases) {
    failures += !test.failure.empty();
    body += "    <testcase classname=\"" + test.group + "\" name=\"" + xml_text(test.name) + "\">";
    if (!test.failure.empty()) body += "<failure message=\"" + xml_text(test.failure) + "\"/>";
    body += "<system-out>" + xml_text(test.output) + "</system-out></testcase>\n";
  }
  return "  <testsuite name=\"" + xml_text(name) + "\" tests=\"" + std::to_string(cases.size()) +
         "\" failures=\"" + std::to_string(failures) + "\" errors=\"0\" skipped=\"0\">\n" + body +
         "  </testsuite>\n";
}

}  // namespace

std::string render_junit(const ValidationReport& report) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n" +
         suite(report.int8.file + " gates", gate_cases(report.validation)) +
         suite(report.int8.file + " classes", class_cases(report.validation)) + "</testsuites>\n";
}

}  // namespace q8
