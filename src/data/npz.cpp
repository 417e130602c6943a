#include "data/npz.h"

#include <zip.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace q8 {
namespace {

using Archive = std::unique_ptr<zip_t, decltype(&zip_discard)>;
using Member = std::unique_ptr<zip_file_t, decltype(&zip_fclose)>;

// Enough for the header of an array with 32 dimensions, NumPy's most.
constexpr std::size_t kHeaderBytes = 4096;
// Deflate makes at most 1032 bytes out of one (RFC 1951: 258 bytes from 2 bits).
constexpr std::uint64_t kMaxInflation = 1032;

std::string zip_reason(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

// Calls use(name, size, open member) for every array of the archive. Errors name file and array.
template <typename Use>
void for_each_array(const std::filesystem::path& path, Use&& use) {
  if (std::filesystem::is_directory(path))
    throw bad_input(path.string() + ": cannot be read: it is a folder");
  int code = 0;
  const Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &code), zip_discard);
  if (archive == nullptr)
    throw bad_input(path.string() + ": not a readable .npz archive: " + zip_reason(code));
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    zip_stat_t stat;
    if (zip_stat_index(archive.get(), i, 0, &stat) != 0)
      throw bad_input(path.string() + ": " + zip_strerror(archive.get()));
    std::string name = stat.name;
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    const std::string place = path.string() + ": array '" + name + "'";
    if (stat.encryption_method != ZIP_EM_NONE) throw unsupported(place + " is encrypted");
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
      throw unsupported(place + " is compressed with method " + std::to_string(stat.comp_method) +
                        ": stored or deflated is expected");
    if (stat.size > stat.comp_size * kMaxInflation + kMaxInflation)
      throw bad_input(place + " claims " + std::to_string(stat.size) + " bytes, more than its " +
                      std::to_string(stat.comp_size) + " compressed bytes can hold");
    const Member member(zip_fopen_index(archive.get(), i, 0), zip_fclose);
    if (member == nullptr) throw bad_input(place + ": " + zip_strerror(archive.get()));
    try {
      use(name, stat.size, member.get());
    } catch (const Error& error) {
      throw error.within(place);
    }
  }
}

void read_exactly(zip_file_t* member, std::byte* to, std::size_t size) {
  while (size > 0) {
    const zip_int64_t got = zip_fread(member, to, size);
    if (got <= 0) {
      throw bad_input(got < 0 ? zip_error_strerror(zip_file_get_error(member))
                              : "the data is truncated");
    }
    to += got;
    size -= static_cast<std::size_t>(got);
  }
}

// The beginning of the member, once its header is known to be of an array that fills it.
struct Beginning {
  std::vector<std::byte> bytes;
  NpyHeader header;
};
Beginning read_beginning(zip_file_t* member, std::size_t size) {
  std::vector<std::byte> bytes(std::min(size, kHeaderBytes));
  read_exactly(member, bytes.data(), bytes.size());
  const NpyHeader header = parse_npy_header(bytes, size);
  return {std::move(bytes), header};
}

template <typename Map, typename Value>
void add_once(Map& map, const std::string& name, Value value) {
  if (!map.emplace(name, std::move(value)).second) throw bad_input("the name occurs twice");
}

using Source = std::unique_ptr<zip_source_t, decltype(&zip_source_free)>;

// `bytes` must live until the archive is closed: libzip reads them then.
void add_member(zip_t* archive, const std::string& name, const std::string& bytes,
                NpzCompression compression) {
  Source source(zip_source_buffer(archive, bytes.data(), bytes.size(), 0), zip_source_free);
  const zip_int64_t index =
      source == nullptr ? -1 : zip_file_add(archive, name.c_str(), source.get(), ZIP_FL_ENC_UTF_8);
  if (index < 0) throw resource_error(zip_strerror(archive));
  source.release();  // the archive has it now
  const auto i = static_cast<zip_uint64_t>(index);
  constexpr zip_uint16_t kMidnight = 0, kFirstOf1980 = (1 << 5) | 1;  // MS-DOS date and time
  zip_file_set_dostime(archive, i, kMidnight, kFirstOf1980, 0);
  const bool deflates = compression == NpzCompression::kDeflated;
  zip_set_file_compression(archive, i, deflates ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 6);
}

// What an archive wrote to its source.
std::string written_bytes(zip_source_t* source) {
  zip_stat_t stat;
  if (zip_source_stat(source, &stat) != 0 || zip_source_open(source) != 0)
    throw resource_error(zip_error_strerror(zip_source_error(source)));
  std::string bytes(stat.size, '\0');
  const zip_int64_t got = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  if (got != static_cast<zip_int64_t>(bytes.size()))
    throw resource_error("the archive was cut short");
  return bytes;
}

// An archive of these files by name.
std::string zip_of(const std::map<std::string, std::string>& files, NpzCompression compression) {
  // libzip writes nothing where there is no member; an empty archive is its end record alone.
  if (files.empty()) return std::string("PK\x05\x06", 4) + std::string(18, '\0');
  zip_error_t error;
  zip_error_init(&error);
  const Source memory(zip_source_buffer_create(nullptr, 0, 0, &error), zip_source_free);
  if (memory == nullptr) throw resource_error(zip_error_strerror(&error));
  Archive archive(zip_open_from_source(memory.get(), ZIP_TRUNCATE, &error), zip_discard);
  if (archive == nullptr) throw resource_error(zip_error_strerror(&error));
  zip_source_keep(memory.get());  // the first reference is the archive's now
  for (const auto& [name, bytes] : files) add_member(archive.get(), name, bytes, compression);
  if (zip_close(archive.get()) != 0) throw resource_error(zip_strerror(archive.get()));
  archive.release();  // closed
  return written_bytes(memory.get());
}

}  // namespace

std::map<std::string, Tensor> read_npz(const std::filesystem::path& path) {
  std::map<std::string, Tensor> arrays;
  for_each_array(path, [&](const std::string& name, zip_uint64_t size, zip_file_t* member) {
    const std::vector<std::byte> beginning = read_beginning(member, size).bytes;
    const std::shared_ptr<std::byte> bytes = heap().allocate(size);
    std::ranges::copy(beginning, bytes.get());
    read_exactly(member, bytes.get() + beginning.size(), size - beginning.size());
    std::byte surplus;  // reading to the end makes libzip compare the checksum
    if (zip_fread(member, &surplus, 1) != 0)
      throw bad_input(zip_error_strerror(zip_file_get_error(member)));
    add_once(arrays, name, parse_npy({bytes.get(), size}, bytes));
  });
  return arrays;
}

std::map<std::string, ArrayInfo> read_npz_info(const std::filesystem::path& path) {
  std::map<std::string, ArrayInfo> infos;
  for_each_array(path, [&](const std::string& name, zip_uint64_t size, zip_file_t* member) {
    add_once(infos, name, read_beginning(member, size).header.info);
  });
  return infos;
}

void write_npz(const std::filesystem::path& path, const std::map<std::string, Tensor>& arrays,
               NpzCompression compression) {
  std::map<std::string, std::string> files;
  for (const auto& [name, tensor] : arrays) {
    try {
      files[name + ".npy"] = npy_bytes(tensor);
    } catch (const Error& error) {
      throw error.within(path.string() + ": array '" + name + "'");
    }
  }
  std::string content;
  try {
    content = zip_of(files, compression);
  } catch (const Error& error) {
    throw error.within(path.string() + ": cannot be written");
  }
  write_file_atomically(path, content);
}

}  // namespace q8
