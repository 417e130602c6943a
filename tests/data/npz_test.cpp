#include "data/npz.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/file.h"
#include "python.h"
#include "temporary_folder.h"
#include "thrown.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::map<std::string, Tensor> two_arrays() {
  return {{"output", Tensor::of<float>({2, 3}, {0, 1, 2, 3, 4, 100})},
          {"a/b:0", Tensor::of<std::int64_t>({1}, {-7})}};
}

TEST(Npz, WritesWhatItReads) {
  const TemporaryFolder folder;
  for (const auto compression : {NpzCompression::kStored, NpzCompression::kDeflated}) {
    write_npz(folder / "x.npz", two_arrays(), compression);
    const auto arrays = read_npz(folder / "x.npz");
    ASSERT_EQ(arrays.size(), 2u);
    EXPECT_THAT(arrays.at("output").values<float>(), ElementsAre(0, 1, 2, 3, 4, 100));
    EXPECT_THAT(arrays.at("a/b:0").values<std::int64_t>(), ElementsAre(-7));
    EXPECT_EQ(read_npz_info(folder / "x.npz").at("output").shape, (Shape{2, 3}));
  }
}

TEST(Npz, NumPyReadsWhatIsWritten) {
  if (!has_python()) GTEST_SKIP() << "no Python given (Q8_PYTHON)";
  const TemporaryFolder folder;
  for (const auto compression : {NpzCompression::kStored, NpzCompression::kDeflated}) {
    auto arrays = two_arrays();
    arrays["s"] = Tensor::scalar<double>(2.5);
    arrays["f"] = Tensor::of<bool>({3}, {true, false, true});
    write_npz(folder / "x.npz", arrays, compression);
    EXPECT_TRUE(
        run_python("-c 'import numpy as np, sys; a = np.load(sys.argv[1]); "
                   "assert sorted(a) == [\"a/b:0\", \"f\", \"output\", \"s\"]; "
                   "assert a[\"output\"].dtype == np.float32; "
                   "assert a[\"output\"].tolist() == [[0, 1, 2], [3, 4, 100]]; "
                   "assert a[\"a/b:0\"].tolist() == [-7]; assert a[\"s\"][()] == 2.5; "
                   "assert a[\"f\"].tolist() == [True, False, True]' " +
                   (folder / "x.npz").string()));
  }
}

TEST(Npz, EqualArraysGiveEqualBytesDatedOf1980) {
  const TemporaryFolder folder;
  write_npz(folder / "x.npz", two_arrays());
  write_npz(folder / "y.npz", two_arrays());
  const std::string bytes = read_text_file(folder / "x.npz");
  EXPECT_EQ(bytes, read_text_file(folder / "y.npz"));
  // Local file header: MS-DOS time at byte 10, date at byte 12; 1980-01-01 is month 1, day 1.
  EXPECT_EQ(bytes.substr(10, 4), std::string("\x00\x00\x21\x00", 4));
}

TEST(Npz, AnEmptyArchiveIsPossible) {
  const TemporaryFolder folder;
  write_npz(folder / "x.npz", {});
  EXPECT_TRUE(read_npz(folder / "x.npz").empty());
}

TEST(Npz, DamagedArchivesAreBadInput) {
  const TemporaryFolder folder;
  write_npz(folder / "x.npz", two_arrays());
  const std::string whole = read_text_file(folder / "x.npz");
  for (std::size_t size = 0; size + 1 < whole.size(); size += 37) {
    const auto path = folder.write("cut.npz", whole.substr(0, size));
    EXPECT_THAT(bad_input_of([&] { (void)read_npz(path); }), HasSubstr("cut.npz"));
  }
  std::string changed = whole;
  changed[whole.find("\x93NUMPY") + 128] ^= 1;  // an element: only the checksum tells
  EXPECT_THAT(bad_input_of([&] { (void)read_npz(folder.write("bad.npz", changed)); }),
              HasSubstr("CRC"));
  bad_input_of([&] { (void)read_npz(folder / "missing.npz"); });
  bad_input_of([&] { (void)read_npz(folder.path()); });
}

TEST(Npz, FlippedBytesNeverEscapeAsOtherErrors) {
  const TemporaryFolder folder;
  write_npz(folder / "x.npz", two_arrays(), NpzCompression::kDeflated);
  const std::string small = read_text_file(folder / "x.npz");
  for (std::size_t i = 0; i < small.size(); ++i) {
    std::string damaged = small;
    damaged[i] = static_cast<char>(damaged[i] ^ 0xFF);
    try {
      (void)read_npz(folder.write("bad.npz", damaged));
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), ErrorKind::kInternal) << error.what();
    }
  }
}

}  // namespace
}  // namespace q8
