#include "report/formats.h"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "report/json_reader.h"
#include "report/overflow_verdict.h"
#include "report/xml_text.h"

namespace q8 {
namespace {

using testing::HasSubstr;
using testing::Not;

// The middle class loses most; one name holds what HTML and Markdown would read as their own.
ValidationReport sample_report() {
  ValidationReport report;
  report.validation = {
      .samples = 30,
      .labelled = 30,
      .has_class_scores = true,
      .fp32 = Accuracy{.top1 = 0.9, .top5 = 1},
      .int8 = Accuracy{.top1 = 0.8, .top5 = 1},
      .agreement = 0.85,
      .sqnr_db = 21.5,
      .max_abs_difference = 0.25,
      .classes =
          {{.index = 0, .name = "ant", .samples = 10, .fp32_correct = 9, .int8_correct = 9},
           {.index = 1, .name = "<b>|*bee*", .samples = 10, .fp32_correct = 9, .int8_correct = 6},
           {.index = 2, .name = "cow", .samples = 10, .fp32_correct = 9, .int8_correct = 9}},
      .outputs = {{.name = "y", .sqnr_db = 21.5, .max_abs_difference = 0.25}},
      .gates = {{.name = "max-drop", .value = 0.1, .limit = 0.01, .unit = "share", .passed = false},
                {.name = "min-class-accuracy",
                 .value = 0.6,
                 .limit = 0.7,
                 .unit = "share",
                 .passed = false,
                 .subject = "<b>|*bee*"}}};
  report.fp32 = {.file = "m.onnx", .sha256 = "aa", .bytes = 4096};
  report.int8 = {.file = "m.int8.onnx", .sha256 = "bb", .bytes = 1024};
  report.q8_version = "0.1.0";
  report.per_class = true;
  return report;
}

TEST(Formats, EveryRowSurvivesAnEmptyReport) {
  ValidationReport empty;
  empty.fp32.bytes = empty.int8.bytes = 1;
  for (const ReportFormatRow& row : report_format_rows())
    EXPECT_FALSE(row.render(empty).empty()) << row.name;
}

TEST(Formats, EveryRowNamesTheClassesAndTheGates) {
  for (const ReportFormatRow& row : report_format_rows()) {
    const std::string text = row.render(sample_report());
    EXPECT_THAT(text, HasSubstr("max-drop")) << row.name;
    EXPECT_THAT(text, HasSubstr("ant")) << row.name;
    EXPECT_LT(text.find("bee"), text.rfind("ant")) << row.name << ": the worst class comes first";
  }
}

TEST(Formats, UnknownNameIsAUsageError) {
  try {
    find_report_format("pdf");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("json, markdown, html, junit"));
  }
}

TEST(Json, HasTheKeysOfTheContract) {
  const auto json = nlohmann::json::parse(render_json(sample_report()));
  EXPECT_EQ(json.at("fp32").at("top1"), 0.9);
  EXPECT_EQ(json.at("int8").at("top1"), 0.8);
  EXPECT_EQ(json.at("agreement"), 0.85);
  EXPECT_EQ(json.at("sqnr_db"), 21.5);
  EXPECT_EQ(json.at("size_ratio"), 4);
  EXPECT_EQ(json.at("classes").size(), 3u);
  EXPECT_EQ(json.at("classes")[0].at("index"), 1);
  EXPECT_EQ(json.at("classes")[0].at("int8"), 0.6);
  const auto& gate = json.at("gates")[0];
  EXPECT_EQ(gate.at("name"), "max-drop");
  EXPECT_EQ(gate.at("value"), 0.1);
  EXPECT_EQ(gate.at("limit"), 0.01);
  EXPECT_EQ(gate.at("passed"), false);
  EXPECT_EQ(json.at("passed"), false);
}

TEST(Json, InfinityIsNull) {
  ValidationReport report = sample_report();
  report.validation.sqnr_db = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(nlohmann::json::parse(render_json(report)).at("sqnr_db").is_null());
}

TEST(Json, ReplacesBytesThatAreNotUtf8) {
  ValidationReport report = sample_report();
  report.validation.classes[0].name = "\xFFx";
  EXPECT_NO_THROW(nlohmann::json::parse(render_json(report)));
}

TEST(Json, IsReadBack) {
  const ValidationReport report = sample_report();
  EXPECT_EQ(render_text(parse_json_report(render_json(report), "r.json")), render_text(report));
}

TEST(Json, ReaderRefusesOtherFiles) {
  EXPECT_THROW(parse_json_report("{}", "r.json"), Error);
  EXPECT_THROW(parse_json_report("{", "r.json"), Error);
}

TEST(Text, SaysWhatFailed) {
  const std::string text = render_text(sample_report());
  EXPECT_THAT(text, HasSubstr("FAILED"));
  EXPECT_THAT(text, HasSubstr("−10.00"));  // of top-1, in points
  EXPECT_THAT(text, HasSubstr("4.00×"));
}

TEST(Text, WithoutPerClassNamesTheWorstAlone) {
  ValidationReport report = sample_report();
  report.per_class = false;
  const std::string text = render_text(report);
  EXPECT_THAT(text, HasSubstr("worst class: <b>|*bee*, 90.00 % → 60.00 %"));
  EXPECT_THAT(text, Not(HasSubstr("cow")));
}

TEST(Markdown, EscapesNames) {
  const std::string text = render_markdown(sample_report());
  EXPECT_THAT(text, HasSubstr("\\<b\\>\\|\\*bee\\*"));
}

TEST(Html, EscapesNamesAndNeedsNoNetwork) {
  const std::string text = render_html(sample_report());
  EXPECT_THAT(text, HasSubstr("&lt;b&gt;|*bee*"));
  EXPECT_THAT(text, Not(HasSubstr("<b>")));
  EXPECT_THAT(text, Not(HasSubstr("http")));
  EXPECT_THAT(text, Not(HasSubstr("<script")));
}

TEST(Junit, CountsGatesAndClassesThatFailed) {
  const std::string text = render_junit(sample_report());
  EXPECT_THAT(text, HasSubstr("tests=\"2\" failures=\"2\""));  // gates
  EXPECT_THAT(text, HasSubstr("tests=\"3\" failures=\"1\""));  // classes: one below 70 %
  EXPECT_THAT(text, HasSubstr("name=\"&lt;b&gt;|*bee*\"><failure"));
}

// 999 of 1,000 are 99.9 %, which is 0.9990000000000001 when a percentage is divided by 100.
TEST(Junit, AClassAtTheLimitHasNotFailed) {
  ValidationReport report = sample_report();
  report.validation.gates[1].limit = 99.9 / 100;
  report.validation.classes.push_back(
      {.index = 3, .name = "dog", .samples = 1000, .fp32_correct = 1000, .int8_correct = 999});
  EXPECT_THAT(render_junit(report), HasSubstr("name=\"dog\"><system-out>"));
}

TEST(XmlText, EscapesAndReplaces) {
  EXPECT_EQ(xml_text("a<&>\"'"), "a&lt;&amp;&gt;&quot;&#39;");
  EXPECT_EQ(xml_text("\x01\xFFü\xC0\x80"), "??ü??");
}

// 2¹⁶ of 2²⁰ pairs are 6.25 %; 2³⁰ of 2³¹ are half.
ValidationReport overflow_report() {
  ValidationReport report = sample_report();
  report.validation.overflow = {
      {.name = "calm", .type = "MatMul", .pairs = 8, .saturated = 0, .largest_sum = 1 << 30},
      {.name = "loud", .type = "Conv", .pairs = 1 << 20, .saturated = 1 << 16, .largest_sum = 9}};
  return report;
}

TEST(Overflow, StandsOnlyWhereItWasAskedFor) {
  for (const ReportFormatRow& row : report_format_rows())
    EXPECT_THAT(row.render(sample_report()), Not(HasSubstr("vpmaddubsw"))) << row.name;
  for (const char* format : {"json", "markdown", "html"}) {
    const std::string text = find_report_format(format).render(overflow_report());
    EXPECT_THAT(text, HasSubstr("1 of 2 layers saturate")) << format;
    EXPECT_THAT(text, HasSubstr("calm")) << format;
  }
}

TEST(Overflow, TheTextShowsSharesAndTheWorstLayerFirst) {
  const std::string text = render_text(overflow_report());
  EXPECT_THAT(text, HasSubstr("6.25 %"));
  EXPECT_THAT(text, HasSubstr("50 %"));
  EXPECT_LT(text.find("loud"), text.find("calm"));
}

TEST(Overflow, JsonHoldsTheCounts) {
  const auto json = nlohmann::json::parse(render_json(overflow_report())).at("overflow");
  EXPECT_EQ(json.at("layers").at(1).at("saturated"), 1 << 16);
  EXPECT_EQ(json.at("layers").at(0).at("share_of_s32"), 0.5);
  EXPECT_TRUE(json.at("targets").at(0).at("safe"));
  EXPECT_FALSE(json.at("targets").at(1).at("safe"));
}

TEST(Overflow, SumsBeyondS32AreSafeNowhere) {
  const LayerOverflowResult layer{.name = "deep", .pairs = 1, .largest_sum = 1LL << 31};
  for (const OverflowVerdict& verdict : overflow_verdicts({&layer, 1})) {
    EXPECT_FALSE(verdict.safe) << verdict.hardware;
    EXPECT_THAT(verdict.reason, HasSubstr("1 of 1 layers pass")) << verdict.hardware;
  }
}

}  // namespace
}  // namespace q8
