#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.h"

namespace q8 {
namespace {

std::string reason() {
  return std::generic_category().message(errno);
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  // Without O_NONBLOCK a pipe would keep us waiting for somebody to write to it.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw bad_input(path.string() + ": cannot be read: " + reason());
  struct stat info {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    const std::string why = S_ISDIR(info.st_mode) ? "it is a folder"
                            : info.st_mode != 0   ? "it is not a regular file"
                                                  : reason();
    close(fd);
    throw bad_input(path.string() + ": cannot be read: " + why);
  }
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ > 0) {
    void* address = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED) {
      const std::string why = reason();
      close(fd);
      throw bad_input(path.string() + ": cannot be read: " + why);
    }
    data_ = static_cast<const std::byte*>(address);
  }
  close(fd);
}

MappedFile::~MappedFile() {
  if (size_ > 0) munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::forget(std::span<const std::byte> bytes) const {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto offset = static_cast<std::size_t>(bytes.data() - data_);
  const std::size_t first = (offset + page - 1) / page * page,
                    end = (offset + bytes.size()) / page * page;  // whole pages only
  if (end > first) madvise(const_cast<std::byte*>(data_) + first, end - first, MADV_DONTNEED);
}

std::string read_text_file(const std::filesystem::path& path) {
  return std::string(MappedFile(path).text());
}

std::filesystem::path behind_links(std::filesystem::path path) {
  std::error_code none;
  // What links to itself is an error of check_writable().
  for (int depth = 0; depth < 40 && std::filesystem::is_symlink(path, none); ++depth)
    path = path.parent_path() / std::filesystem::read_symlink(path, none);
  return path;
}

void check_writable(const std::filesystem::path& path) {
  const auto cannot = [&](const std::string& why) {
    return resource_error(path.string() + ": cannot be written: " + why);
  };
  const std::filesystem::path file = behind_links(path);
  const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  std::error_code ignored;  // what cannot be asked is found out by access()
  if (!std::filesystem::exists(parent, ignored) && !ignored)
    throw cannot("the folder " + parent.string() + " does not exist");
  struct stat info {};
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) throw cannot("it is a folder");
    if (!S_ISREG(info.st_mode)) throw cannot("it is not a regular file");
  } else if (errno != ENOENT) {
    throw cannot(reason());  // a name too long, links in a circle
  }
  if (access(parent.c_str(), W_OK | X_OK) != 0) throw cannot(reason());
}

AtomicFile::AtomicFile(const std::filesystem::path& path)
    : path_(behind_links(path)), temporary_([&] {
        check_writable(path);
        std::filesystem::path name = path_;
        name += "." + std::to_string(getpid()) + ".tmp";
        fd_ = open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd_ < 0) throw resource_error(path_.string() + ": cannot be written: " + reason());
        return name;
      }) {}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) close(fd_);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw resource_error(path_.string() + ": cannot be written: " + reason());
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  if (fsync(fd_) != 0 && errno != EINVAL && errno != EROFS)
    throw resource_error(path_.string() + ": cannot be written: " + reason());
  if (std::rename(temporary_.path().c_str(), path_.c_str()) != 0)
    throw resource_error(path_.string() + ": cannot be written: " + reason());
  close(fd_);
  fd_ = -1;
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

}  // namespace q8
