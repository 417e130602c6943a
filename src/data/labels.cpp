#include "data/labels.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "data/csv.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> read_class_names(const fs::path& path) {
  std::istringstream lines(read_text_file(path));
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty() && !seen.insert(line).second)
      throw bad_input(path.string() + ": the class '" + line + "' is listed twice");
    names.push_back(line);
  }
  while (!names.empty() && names.back().empty()) names.pop_back();
  if (names.empty()) throw bad_input(path.string() + ": no class names in it");
  return names;
}

std::int64_t to_index(const std::string& text, const std::string& place, std::string_view column) {
  std::int64_t value = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value < 0)
    throw bad_input(place + std::string(column) + " is '" + text +
                    "': a whole number from 0 is expected");
  return value;
}

// The samples that one labels file speaks of.
struct LabelScope {
  std::vector<DataItem*> items;  // in the order that the column `index` counts
  std::function<std::string(const DataItem&)> file_name;
};

void apply_labels_file(const fs::path& path, const LabelScope& scope,
                       const std::vector<std::string>& classes) {
  const Csv csv = read_csv(path);
  const int file_column = csv.column("file"), index_column = csv.column("index");
  const int class_column = csv.column("class_index");
  if (class_column < 0 || (file_column < 0) == (index_column < 0))
    throw bad_input(path.string() +
                    ": the first line must be 'file,class_index' or "
                    "'index,class_index'");
  std::unordered_map<std::string, std::vector<DataItem*>> by_name;
  if (file_column >= 0)
    for (DataItem* item : scope.items) by_name[scope.file_name(*item)].push_back(item);
  for (const Csv::Row& row : csv.rows) {
    const std::string place = path.string() + ": line " + std::to_string(row.line) + ": ";
    const auto field = [&](int column) { return row.fields[static_cast<std::size_t>(column)]; };
    DataItem* item = nullptr;
    if (index_column >= 0) {
      const std::int64_t index = to_index(field(index_column), place, "index");
      if (index >= std::ssize(scope.items))
        throw bad_input(place + "index " + std::to_string(index) + ", but there are only " +
                        std::to_string(scope.items.size()) + " samples");
      item = scope.items[static_cast<std::size_t>(index)];
    } else {
      const std::string name = fs::path(field(file_column)).lexically_normal().generic_string();
      const auto it = by_name.find(name);
      if (it == by_name.end())
        throw bad_input(place + "there is no sample file '" + field(file_column) + "'");
      if (it->second.size() > 1)
        throw bad_input(place + "'" + name + "' holds " + std::to_string(it->second.size()) +
                        " samples: label them with the columns index,class_index");
      item = it->second.front();
    }
    if (item->label) throw bad_input(place + "'" + item->name + "' is labelled twice");
    item->label = to_index(field(class_column), place, "class_index");
    if (!classes.empty() && *item->label >= std::ssize(classes))
      throw bad_input(place + "class_index " + std::to_string(*item->label) +
                      " is unknown: classes.txt names " + std::to_string(classes.size()) +
                      " classes");
  }
}

// The sub-folders that stand for classes; empty where there are fewer than two.
std::set<std::string> class_folders(const std::vector<DataItem*>& items, const DataFiles& files) {
  std::set<std::string> names;
  const DataFile* at_top = nullptr;
  for (const DataItem* item : items) {
    const DataFile& file = files.files[item->file];
    if (file.class_folder.empty())
      at_top = &file;
    else
      names.insert(file.class_folder);
  }
  if (names.size() < 2) return {};
  if (at_top != nullptr)
    throw bad_input(at_top->path.string() + " lies beside sub-folders that stand for classes (" +
                    *names.begin() + ", …): move it into one, or give a labels.csv");
  return names;
}

// Number of each class folder: its line in classes.txt, or its place in the sorted names. Names in
// classes.txt may also be other words for the folders, one for each of them in sorted order.
std::map<std::string, std::int64_t> number_classes(const std::set<std::string>& folders,
                                                   std::vector<std::string>& classes,
                                                   const fs::path& classes_path) {
  std::map<std::string, std::int64_t> numbers;
  for (const std::string& folder : folders) {
    const auto it = std::ranges::find(classes, folder);
    if (it != classes.end()) numbers[folder] = it - classes.begin();
  }
  if (numbers.size() == folders.size()) return numbers;
  if (!numbers.empty() || (!classes.empty() && classes.size() != folders.size())) {
    const auto unknown = std::ranges::find_if(
        folders, [&](const std::string& folder) { return !numbers.contains(folder); });
    throw bad_input(classes_path.string() + " does not name the class of the sub-folder '" +
                    *unknown + "'");
  }
  for (const std::string& folder : folders)
    numbers.emplace(folder, static_cast<std::int64_t>(numbers.size()));
  if (classes.empty()) classes.assign(folders.begin(), folders.end());
  return numbers;
}

}  // namespace

std::vector<std::string> assign_labels(std::vector<DataItem>& items, const DataFiles& files,
                                       const std::vector<fs::path>& folders,
                                       const std::optional<fs::path>& labels) {
  std::vector<std::string> classes;
  fs::path classes_path;
  const auto look_for_classes = [&](const fs::path& folder) {
    if (!classes.empty() || !fs::exists(folder / "classes.txt")) return;
    classes_path = folder / "classes.txt";
    classes = read_class_names(classes_path);
  };
  if (labels) look_for_classes(labels->parent_path());
  for (const fs::path& folder : folders) look_for_classes(folder);

  std::vector<std::vector<DataItem*>> by_folder(folders.size() + 1);  // the last: the manifest's
  for (DataItem& item : items) by_folder[files.files[item.file].folder].push_back(&item);
  if (labels) {
    LabelScope scope;
    for (DataItem& item : items) scope.items.push_back(&item);
    scope.file_name = [&](const DataItem& item) {
      return fs::path(files.files[item.file].name).lexically_normal().generic_string();
    };
    apply_labels_file(*labels, scope, classes);
    return classes;
  }
  std::set<std::string> all_class_folders;
  fs::path labelled_by_file;
  std::vector<DataItem*> labelled_by_folder;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const fs::path path = folders[i] / "labels.csv";
    if (fs::exists(path)) {
      apply_labels_file(
          path,
          {by_folder[i],
           [&](const DataItem& item) { return files.files[item.file].name_in_folder; }},
          classes);
      labelled_by_file = path;
    } else if (files.kind != DataKind::kTestData) {
      const auto names = class_folders(by_folder[i], files);
      all_class_folders.insert(names.begin(), names.end());
      if (!names.empty())
        labelled_by_folder.insert(labelled_by_folder.end(), by_folder[i].begin(),
                                  by_folder[i].end());
    }
  }
  if (labelled_by_folder.empty()) return classes;
  if (!labelled_by_file.empty())
    throw bad_input("labels come from " + labelled_by_file.string() +
                    " for some samples and from the names of sub-folders for others (" +
                    labelled_by_folder.front()->name + "): use one way for all");
  const auto numbers = number_classes(all_class_folders, classes, classes_path);
  for (DataItem* item : labelled_by_folder)
    item->label = numbers.at(files.files[item->file].class_folder);
  return classes;
}

}  // namespace q8
