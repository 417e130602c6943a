#include "json_output.h"

#include "q8/inspect.h"

namespace q8::cli {

void JsonOutput::add_to(CLI::App& command) {
  command
      .add_option("--json", where_,
                  "as JSON: into FILE, or to stdout for - and where none is named")
      ->type_name("[FILE]")
      ->expected(0, 1);
}

bool JsonOutput::is_asked_for() const {
  return where_ != kNotAsked;
}

OutputFile JsonOutput::file() const {
  const bool is_stdout = !is_asked_for() || where_.empty() || where_ == "true";
  return {.option = "--json", .path = is_stdout ? "" : where_, .may_be_stdout = true};
}

void JsonOutput::deliver(const std::string& result, Console& console) const {
  cli::deliver(console, file().path, result);
}

void deliver(Console& console, const std::string& where, const std::string& content) {
  if (where.empty() || where == "-")
    console.print(content);
  else
    save_text(content, where);
}

}  // namespace q8::cli
