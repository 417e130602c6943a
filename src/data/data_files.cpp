#include "data/data_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <sstream>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "data/image.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExpected =
    "images (.jpg .jpeg .png .webp .bmp .pbm .pgm .ppm), .npy or .npz arrays or "
    "test_data_set_*/input_*.pb";

// Images all the same, but not ones that q8 reads: passing over them would hide samples.
bool has_foreign_image_extension(const fs::path& path) {
  static constexpr std::array<std::string_view, 9> kForeign = {
      ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".tga"};
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return std::ranges::find(kForeign, extension) != kForeign.end();
}

bool is_test_data_set(const fs::path& folder) {
  return folder.filename().string().starts_with("test_data_set_");
}

std::optional<DataKind> kind_of(const fs::path& path) {
  if (has_image_extension(path)) return DataKind::kImage;
  if (path.extension() == ".npy") return DataKind::kNpy;
  if (path.extension() == ".npz") return DataKind::kNpz;
  if (has_foreign_image_extension(path))
    throw unsupported(path.string() + ": this image format cannot be read: convert it to PNG");
  return {};
}

class Collector {
 public:
  void add(DataKind kind, DataFile file) {
    if (files_.files.empty()) {
      files_.kind = kind;
    } else if (files_.kind != kind) {
      throw bad_input("mixed kinds of data: " + files_.files.front().path.string() + " is among " +
                      std::string(data_kind_name(files_.kind)) + ", " + file.path.string() +
                      " among " + std::string(data_kind_name(kind)) + "; a dataset holds one kind");
    }
    if (!seen_.insert(fs::weakly_canonical(file.path)).second)
      throw bad_input(file.path.string() + " is listed twice");
    files_.files.push_back(std::move(file));
  }
  std::size_t count() const { return files_.files.size(); }
  DataFiles take() { return std::move(files_); }

 private:
  DataFiles files_;
  std::set<fs::path> seen_;
};

struct Found {
  DataKind kind;
  fs::path path;
};

// Everything below the folder that is a sample's file, sorted. `passed_over` gets the name of some
// other file, if there is one.
std::vector<Found> scan(const fs::path& folder, std::string& passed_over) {
  if (is_test_data_set(folder)) return {{DataKind::kTestData, folder}};
  std::vector<Found> found;
  const fs::recursive_directory_iterator end;
  std::error_code error;
  fs::path path;  // where it was last: the iterator's own errors name nothing
  for (auto it = fs::recursive_directory_iterator(folder,
                                                  fs::directory_options::follow_directory_symlink);
       it != end; it.increment(error)) {
    path = it->path();
    const bool is_folder = it->is_directory();
    if (path.filename().string().starts_with('.')) {
      if (is_folder) it.disable_recursion_pending();
    } else if (is_folder && is_test_data_set(path)) {
      it.disable_recursion_pending();
      found.push_back({DataKind::kTestData, path});
    } else if (!is_folder) {
      if (const auto kind = kind_of(path))
        found.push_back({*kind, path});
      else
        passed_over = path.filename().string();
    }
  }
  if (error) throw bad_input(path.string() + ": cannot be read: " + error.message());
  std::ranges::sort(found, {}, [](const Found& f) { return f.path.generic_string(); });
  return found;
}

// What tells the folders apart in the names of their samples: as many of the last parts of their
// paths as that takes, and not where they lie, for they may be reached by another path next time.
std::vector<std::string> folder_names(const std::vector<fs::path>& folders) {
  std::vector<std::vector<std::string>> parts;  // the last first
  for (const fs::path& folder : folders) {
    auto& of_folder = parts.emplace_back();
    for (fs::path path = fs::absolute(folder).lexically_normal(); path.has_relative_path();
         path = path.parent_path())
      of_folder.push_back(path.filename().string());
  }
  std::vector<std::string> names(folders.size());
  for (std::size_t depth = 0;; ++depth) {
    bool is_deeper = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (depth >= parts[i].size()) continue;
      names[i] = parts[i][depth] + (depth == 0 ? "" : "/" + names[i]);
      is_deeper = true;
    }
    if (!is_deeper || std::set(names.begin(), names.end()).size() == names.size()) return names;
  }
}

void add_folder(Collector& collector, const fs::path& folder, std::size_t number,
                const std::string& folder_name) {
  if (!fs::is_directory(folder))
    throw bad_input(folder.string() +
                    (fs::exists(folder) ? " is not a folder of samples" : " does not exist"));
  std::string passed_over;
  const std::vector<Found> found = scan(folder, passed_over);
  if (found.empty())
    throw bad_input(
        folder.string() + ": no samples found: expected " + std::string(kExpected) +
        (passed_over.empty() ? "; the folder is empty" : "; found others, such as " + passed_over));
  for (const Found& f : found) {
    const fs::path relative =
        f.path == folder ? f.path.filename() : f.path.lexically_relative(folder);
    const std::string name = (fs::path(folder_name) / relative).generic_string();
    collector.add(f.kind, {f.path, name, relative.generic_string(),
                           relative.parent_path().filename().string(), number});
  }
}

void add_manifest(Collector& collector, const fs::path& manifest, std::size_t number) {
  std::istringstream lines(read_text_file(manifest));
  const std::size_t before = collector.count();
  std::string line;
  for (int row = 1; std::getline(lines, line); ++row) {
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
    if (line.empty() || line.starts_with('#')) continue;
    const std::string place = manifest.string() + ": line " + std::to_string(row) + ": ";
    const fs::path path = manifest.parent_path() / line;  // an absolute path stays itself
    if (!fs::exists(path)) throw bad_input(place + path.string() + " does not exist");
    const bool is_set = fs::is_directory(path) && is_test_data_set(path);
    if (fs::is_directory(path) && !is_set)
      throw bad_input(place + path.string() + " is a folder; files are expected");
    const auto kind = is_set ? DataKind::kTestData : kind_of(path);
    if (!kind) throw bad_input(place + path.string() + " is none of " + std::string(kExpected));
    collector.add(*kind,
                  {path, line, fs::path(line).lexically_normal().generic_string(), {}, number});
  }
  if (collector.count() == before)
    throw bad_input(manifest.string() + ": the manifest lists no files");
}

}  // namespace

std::string_view data_kind_name(DataKind kind) {
  static constexpr std::array<std::string_view, 4> kNames = {"images", ".npy arrays", ".npz arrays",
                                                             "ONNX test data sets"};
  return kNames[static_cast<std::size_t>(kind)];
}

DataFiles find_data_files(const std::vector<fs::path>& folders,
                          const std::optional<fs::path>& manifest) {
  if (folders.empty() && !manifest) throw bad_input("no data: give a folder or a manifest");
  Collector collector;
  const bool names_folders = folders.size() + (manifest ? 1 : 0) > 1;
  try {
    std::vector<fs::path> normal;
    for (const fs::path& given : folders) {
      // "data/" and "data" are the same folder.
      fs::path folder = given.lexically_normal();
      if (folder.filename().empty() && folder.has_parent_path() && folder != folder.root_path())
        folder = folder.parent_path();
      normal.push_back(std::move(folder));
    }
    const std::vector<std::string> names = folder_names(normal);
    for (std::size_t i = 0; i < normal.size(); ++i)
      add_folder(collector, normal[i], i, names_folders ? names[i] : "");
    if (manifest) add_manifest(collector, *manifest, folders.size());
  } catch (const fs::filesystem_error& error) {
    throw bad_input(error.path1().string() + ": cannot be read: " + error.code().message());
  }
  return collector.take();
}

}  // namespace q8
