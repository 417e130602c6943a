#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/unfinished.h"

namespace q8 {

// The whole file, read-only, mapped into memory for as long as the object lives.
// Throws bad_input where it is missing, a folder or unreadable.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  // Gives the memory of these bytes back; they are read from the file again when they are needed.
  void forget(std::span<const std::byte> bytes) const;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

std::string read_text_file(const std::filesystem::path& path);

// Where a file of that name is written: where its symbolic links lead, to a file or to none yet.
std::filesystem::path behind_links(std::filesystem::path path);

// Throws resource_error, with the reason, where no file can be written at `path`: its folder is
// missing or closed to us, or something else than a file is in its place. A device or a pipe would
// be replaced by the file, whoever else uses it.
void check_writable(const std::filesystem::path& path);

// A file, behind links, that appears whole or not at all: written beside `path` under a temporary
// name, synced and renamed by commit(). Destroyed without commit(), it leaves nothing behind.
// Throws resource_error.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();
  int descriptor() const { return fd_; }  // for libraries that write to one

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  UnfinishedPath temporary_;
};

void write_file_atomically(const std::filesystem::path& path, std::string_view content);

}  // namespace q8
