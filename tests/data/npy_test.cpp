#include "data/npy.h"

#include <gmock/gmock.h>

#include <limits>
#include <memory>

#include "data/npz.h"
#include "temporary_folder.h"
#include "thrown.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string npy_file(const std::string& header, const std::string& data) {
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header +
         data;
}
Tensor parse(const std::string& file) {
  return parse_npy(std::as_bytes(std::span(file)), nullptr);
}

// make_fixtures.py wrote [[0, 1, 2], [3, 4, 100]] in every type, byte order and element order.
TEST(Npy, ReadsEveryTypeOfNumPy) {
  for (const auto* file : {"types_stored.npz", "types_deflated.npz"}) {
    const auto arrays = read_npz(fixture(file));
    EXPECT_EQ(arrays.size(), 42u);
    for (const auto& [name, array] : arrays) {
      EXPECT_EQ(array.shape(), (Shape{2, 3})) << name;
      const float last = name.starts_with("b1") ? 1 : 100;
      const float other = name.starts_with("b1") ? 1 : 0;  // a bool is 0 or 1
      EXPECT_THAT(array.to_floats(), ElementsAre(0, 1, other != 0 ? 1 : 2, other != 0 ? 1 : 3,
                                                 other != 0 ? 1 : 4, last))
          << name;
    }
    EXPECT_EQ(arrays.at("be_u2").dtype(), DType::kU16);
    EXPECT_EQ(arrays.at("le_f2_fortran").dtype(), DType::kF16);
    EXPECT_EQ(arrays.at("be_f8_fortran").dtype(), DType::kF64);
    EXPECT_EQ(arrays.at("b1").dtype(), DType::kBool);
  }
}

TEST(Npy, ReadsEveryVersion) {
  for (const auto* file : {"version2.npy", "version3.npy"})
    EXPECT_THAT(read_npy(fixture(file)).values<std::int16_t>(), ElementsAre(0, 1, 2, 3, 4, 100));
  EXPECT_THAT(read_npy(fixture("table.npy")).values<float>(), ElementsAre(0, 1, 2, 3, 4, 100));
}

TEST(Npy, FortranOrderBecomesRowMajor) {
  const Tensor cube = read_npy(fixture("cube_fortran.npy"));
  EXPECT_EQ(cube.shape(), (Shape{2, 3, 4}));
  for (std::int32_t i = 0; i < 24; ++i) EXPECT_EQ(cube.data<std::int32_t>()[i], i);
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  const Tensor scalar = read_npy(fixture("scalar.npy"));
  EXPECT_EQ(scalar.rank(), 0);
  EXPECT_EQ(scalar.data<double>()[0], 2.5);
  EXPECT_EQ(read_npy(fixture("empty.npy")).shape(), (Shape{0, 3}));
}

TEST(Npy, InfoNeedsOnlyTheHeader) {
  const ArrayInfo info = read_npy_info(fixture("cube_fortran.npy"));
  EXPECT_EQ(info.dtype, DType::kS32);
  EXPECT_EQ(info.shape, (Shape{2, 3, 4}));
}

TEST(Npy, OtherTypesAreUnsupportedByName) {
  const auto message_of = [](const char* file) {
    return thrown(ErrorKind::kUnsupported, [&] { (void)read_npy(fixture(file)); });
  };
  EXPECT_THAT(message_of("text.npy"), HasSubstr("<U1"));
  EXPECT_THAT(message_of("complex.npy"), HasSubstr("complex.npy"));
  EXPECT_THAT(message_of("structured.npy"), HasSubstr("structured"));
}

TEST(Npy, HeadersMayHaveAnyOrderAndSpacing) {
  const std::string data("\x07\x00\x09\x00", 4);
  const Tensor t =
      parse(npy_file("{ \"shape\":(2,),'fortran_order' :False ,'descr':'<i2'}\n", data));
  EXPECT_THAT(t.values<std::int16_t>(), ElementsAre(7, 9));
}

TEST(Npy, MalformedHeadersAreBadInput) {
  const std::string data(4, '\0');
  for (const std::string header :
       {"", "{", "{}", "{'descr': '<i2', 'fortran_order': False, 'shape': (2, }",
        "{'descr': '<i2', 'fortran_order': Maybe, 'shape': (2,)}",
        "{'descr': '<i2', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<i2', 'fortran_order': False, 'shape': (2,)} junk",
        "{'descr': '<i2', 'fortran_order': False}",
        "{'descr': '<i2', 'descr': '<i2', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<i2', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<i2', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}",
        "{'descr': <i2, 'fortran_order': False, 'shape': (2,)}"})
    bad_input_of([&] { parse(npy_file(header, data)); });
  bad_input_of([] { parse(""); });
  bad_input_of([] { parse("\x93NUMPY"); });
  bad_input_of([] { parse(std::string("\x93NUMPY\x01\x00\xFF\x00{'", 12)); });
}

TEST(Npy, MissingAndSurplusBytesAreBadInput) {
  const std::string header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n";
  EXPECT_THAT(bad_input_of([&] { parse(npy_file(header, "abc")); }), HasSubstr("takes 4 bytes"));
  EXPECT_THAT(bad_input_of([&] { parse(npy_file(header, "abcde")); }), HasSubstr("holds 5"));
}

TEST(Npy, InfoIsOfArraysThatFillTheirFile) {
  const TemporaryFolder folder;
  const auto path = folder.write(
      "a.npy", npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 3), }\n",
                        std::string(64, '\0')));
  EXPECT_THAT(bad_input_of([&] { (void)read_npy_info(path); }),
              AllOf(HasSubstr("a.npy"), HasSubstr("takes 12000000000000 bytes")));
}

TEST(Npy, WritesWhatItReads) {
  const Tensor t = Tensor::of<float>({2, 2}, {1.5F, -0.0F, std::numeric_limits<float>::infinity(),
                                              std::numeric_limits<float>::denorm_min()});
  const std::string file = npy_bytes(t);
  EXPECT_EQ((file.size() - 16) % 64, 0u);  // the elements begin at a multiple of 64
  EXPECT_THAT(parse(file).values<float>(), testing::ElementsAreArray(t.values<float>()));
  EXPECT_EQ(parse(npy_bytes(Tensor::scalar<std::int64_t>(-3))).rank(), 0);
  EXPECT_EQ(parse(npy_bytes(Tensor::of<bool>({1}, {true}))).dtype(), DType::kBool);
  thrown(ErrorKind::kUnsupported, [] { npy_bytes(Tensor::zeros(DType::kBF16, {1})); });
}

}  // namespace
}  // namespace q8
