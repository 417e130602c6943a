#include "report/overall.h"

#include "report/figures.h"

namespace q8 {

std::vector<std::vector<std::string>> overall_rows(const ValidationReport& report) {
  const Validation& v = report.validation;
  std::vector<std::vector<std::string>> rows;
  const auto add_accuracy = [&](const char* name, double fp32, double int8) {
    rows.push_back({name, percent(fp32), percent(int8), points(int8 - fp32)});
  };
  if (v.fp32) {
    add_accuracy("top-1", v.fp32->top1, v.int8->top1);
    add_accuracy("top-5", v.fp32->top5, v.int8->top5);
  }
  if (v.agreement) rows.push_back({"agreement", "", percent(*v.agreement), ""});
  rows.push_back({"SQNR", "", decibels(v.sqnr_db), ""});
  rows.push_back({"largest difference", "", small_number(v.max_abs_difference), ""});
  rows.push_back({"size", byte_size(report.fp32.bytes), byte_size(report.int8.bytes),
                  times_smaller(report.fp32.bytes, report.int8.bytes)});
  return rows;
}

}  // namespace q8
