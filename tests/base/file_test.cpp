#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "data/temporary_folder.h"
#include "data/thrown.h"
#include "q8/output_file.h"

namespace q8 {
namespace {

std::ptrdiff_t entries(const TemporaryFolder& folder) {
  return std::distance(std::filesystem::directory_iterator(folder.path()), {});
}

TEST(AtomicFile, AppearsOnlyWithCommit) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "out");
  file.write(std::string_view("one "));
  file.write(std::string_view("two"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  file.commit();
  EXPECT_EQ(read_text_file(folder / "out"), "one two");
  EXPECT_EQ(entries(folder), 1);
}

TEST(AtomicFile, LeavesNothingBehindWithoutCommit) {
  const TemporaryFolder folder;
  folder.write("out", "old");
  {
    AtomicFile file(folder / "out");
    file.write(std::string_view("new"));
  }
  EXPECT_EQ(read_text_file(folder / "out"), "old");
  EXPECT_EQ(entries(folder), 1);
}

TEST(AtomicFile, LeavesNothingBehindWhenTheProgramEndsAtOnce) {
  const TemporaryFolder folder;
  folder.write("out", "old");
  const auto end_at_once = [&] {
    AtomicFile file(folder / "out"), done(folder / "done");
    file.write(std::string_view("new"));
    done.commit();
    if (entries(folder) != 3) _exit(1);
    abandon_output_files();
    _exit(130);
  };
  EXPECT_EXIT(end_at_once(), testing::ExitedWithCode(130), "");
  EXPECT_EQ(read_text_file(folder / "out"), "old");
  EXPECT_EQ(entries(folder), 2);
}

TEST(AtomicFile, NamesAMissingFolder) {
  const TemporaryFolder folder;
  const auto message =
      thrown(ErrorKind::kResource, [&] { AtomicFile file(folder / "none/out.txt"); });
  EXPECT_NE(message.find("none does not exist"), std::string::npos) << message;
}

TEST(AtomicFile, RefusesAFolderAsTarget) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "out");
  const auto message = thrown(ErrorKind::kResource, [&] { AtomicFile file(folder / "out"); });
  EXPECT_NE(message.find("it is a folder"), std::string::npos) << message;
}

TEST(AtomicFile, RefusesWhatOthersUse) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::filesystem::create_symlink(folder / "pipe", folder / "link");
  std::filesystem::create_symlink(folder / "circle", folder / "circle");
  for (const std::string name : {"pipe", "link"}) {
    const auto message = thrown(ErrorKind::kResource, [&] { AtomicFile file(folder / name); });
    EXPECT_NE(message.find(name + ": cannot be written: it is not a regular file"),
              std::string::npos)
        << message;
  }
  thrown(ErrorKind::kResource, [&] { AtomicFile file(folder / "circle"); });
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
  EXPECT_EQ(entries(folder), 3);
}

TEST(AtomicFile, GoesWhereLinksLead) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "store");
  folder.write("store/old", "old");
  std::filesystem::create_symlink("store/old", folder / "first");
  std::filesystem::create_symlink("first", folder / "second");
  std::filesystem::create_symlink(folder / "store/new", folder / "dangling");
  write_file_atomically(folder / "second", "one");
  write_file_atomically(folder / "dangling", "two");
  EXPECT_EQ(read_text_file(folder / "store/old"), "one");
  EXPECT_EQ(read_text_file(folder / "store/new"), "two");
  for (const char* name : {"first", "second", "dangling"})
    EXPECT_TRUE(std::filesystem::is_symlink(folder / name)) << name;
  EXPECT_EQ(entries(folder), 4);
}

TEST(AtomicFile, RefusesAFileAsFolderAndANameTooLong) {
  const TemporaryFolder folder;
  folder.write("file", "x");
  thrown(ErrorKind::kResource, [&] { AtomicFile file(folder / "file/out"); });
  thrown(ErrorKind::kResource, [&] { AtomicFile file(folder / std::string(300, 'n')); });
  thrown(ErrorKind::kResource, [&] { AtomicFile file(folder / (std::string(300, 'n') + "/out")); });
}

TEST(MappedFile, HoldsTheBytes) {
  const TemporaryFolder folder;
  const MappedFile file(folder.write("in", std::string_view("a\0b", 3)));
  EXPECT_EQ(file.text(), std::string_view("a\0b", 3));
}

TEST(MappedFile, MayBeEmpty) {
  const TemporaryFolder folder;
  EXPECT_EQ(MappedFile(folder.write("in", "")).bytes().size(), 0u);
}

TEST(MappedFile, NamesWhatCannotBeRead) {
  const TemporaryFolder folder;
  EXPECT_NE(bad_input_of([&] { MappedFile(folder / "none"); }).find("No such file"),
            std::string::npos);
  EXPECT_NE(bad_input_of([&] { MappedFile file(folder.path()); }).find("it is a folder"),
            std::string::npos);
}

// Neither waits for a writer nor passes for an empty file.
TEST(MappedFile, RefusesAPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_NE(bad_input_of([&] { MappedFile(folder / "pipe"); }).find("not a regular file"),
            std::string::npos);
}

}  // namespace
}  // namespace q8
