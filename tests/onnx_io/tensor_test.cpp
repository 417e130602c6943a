#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "data/thrown.h"
#include "onnx_io/small_model.h"
#include "onnx_io/tensor_bytes.h"
#include "onnx_io/tensor_proto.h"

namespace q8 {
namespace {

using testing::HasSubstr;

template <typename T>
std::string raw(std::initializer_list<T> values) {
  return std::string(reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T));
}

onnx::TensorProto proto_of(int type, std::int64_t size) {
  onnx::TensorProto proto;
  proto.set_data_type(type);
  proto.add_dims(size);
  return proto;
}

Tensor taken(onnx::TensorProto proto) {
  ExternalData none({});
  return take_tensor(proto, none);
}

// Three values in raw form, the same in the typed field, and what they are as double.
struct TypeCase {
  int type;
  DType dtype;
  std::string raw;
  std::function<void(onnx::TensorProto&)> typed;
  std::vector<double> values;
};

template <typename Field, typename... T>
auto fill(Field* (onnx::TensorProto::*field)(), T... values) {
  return [=](onnx::TensorProto& p) { ((void)(p.*field)()->Add(values), ...); };
}

const auto kInt32 =
    static_cast<google::protobuf::RepeatedField<std::int32_t>* (onnx::TensorProto::*)()>(
        &onnx::TensorProto::mutable_int32_data);
const auto kUint64 =
    static_cast<google::protobuf::RepeatedField<std::uint64_t>* (onnx::TensorProto::*)()>(
        &onnx::TensorProto::mutable_uint64_data);
const auto kInt64 =
    static_cast<google::protobuf::RepeatedField<std::int64_t>* (onnx::TensorProto::*)()>(
        &onnx::TensorProto::mutable_int64_data);
const auto kFloat = static_cast<google::protobuf::RepeatedField<float>* (onnx::TensorProto::*)()>(
    &onnx::TensorProto::mutable_float_data);
const auto kDouble = static_cast<google::protobuf::RepeatedField<double>* (onnx::TensorProto::*)()>(
    &onnx::TensorProto::mutable_double_data);

// Numbers and fields: onnx.proto, TensorProto.
std::vector<TypeCase> type_cases() {
  return {
      {1, DType::kF32, raw<float>({1, -2.5, 0}), fill(kFloat, 1.0f, -2.5f, 0.0f), {1, -2.5, 0}},
      {2, DType::kU8, raw<std::uint8_t>({0, 128, 255}), fill(kInt32, 0, 128, 255), {0, 128, 255}},
      {3, DType::kS8, raw<std::int8_t>({0, -128, 127}), fill(kInt32, 0, -128, 127), {0, -128, 127}},
      {4, DType::kU16, raw<std::uint16_t>({0, 1, 65535}), fill(kInt32, 0, 1, 65535), {0, 1, 65535}},
      {5,
       DType::kS16,
       raw<std::int16_t>({0, -1, 32767}),
       fill(kInt32, 0, -1, 32767),
       {0, -1, 32767}},
      {6,
       DType::kS32,
       raw<std::int32_t>({0, -1, 70000}),
       fill(kInt32, 0, -1, 70000),
       {0, -1, 70000}},
      {7,
       DType::kS64,
       raw<std::int64_t>({0, -1, 1ll << 40}),
       fill(kInt64, std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40),
       {0, -1, 1099511627776.0}},
      {9, DType::kBool, raw<std::uint8_t>({0, 1, 200}), fill(kInt32, 0, 1, 200), {0, 1, 1}},
      {10,
       DType::kF16,
       raw<std::uint16_t>({0x3c00, 0xc100, 0}),
       fill(kInt32, 0x3c00, 0xc100, 0),
       {1, -2.5, 0}},
      {11, DType::kF64, raw<double>({1, -2.5, 0}), fill(kDouble, 1.0, -2.5, 0.0), {1, -2.5, 0}},
      {12,
       DType::kU32,
       raw<std::uint32_t>({0, 1, 4000000000u}),
       fill(kUint64, std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4000000000}),
       {0, 1, 4e9}},
      {13,
       DType::kU64,
       raw<std::uint64_t>({0, 1, 1ull << 63}),
       fill(kUint64, std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 63),
       {0, 1, 9223372036854775808.0}},
      {16,
       DType::kBF16,
       raw<std::uint16_t>({0x3f80, 0xc020, 0}),
       fill(kInt32, 0x3f80, 0xc020, 0),
       {1, -2.5, 0}},
      // Two values a byte, the first in the low half.
      {21, DType::kU4, raw<std::uint8_t>({0xf1, 0x03}), fill(kInt32, 0xf1, 0x03), {1, 15, 3}},
      {22, DType::kS4, raw<std::uint8_t>({0x81, 0x0f}), fill(kInt32, 0x81, 0x0f), {1, -8, -1}},
      // Four values a byte: 1, 2, 3 from the lowest bits on.
      {25, DType::kU2, raw<std::uint8_t>({0x39}), fill(kInt32, 0x39), {1, 2, 3}},
      {26, DType::kS2, raw<std::uint8_t>({0x39}), fill(kInt32, 0x39), {1, -2, -1}},
  };
}

std::vector<double> doubles(const Tensor& t) {
  const Tensor wide = cast(t, DType::kF64);
  return {wide.values<double>().begin(), wide.values<double>().end()};
}

TEST(TensorProto, EveryTypeInRawAndInTypedForm) {
  for (const TypeCase& c : type_cases()) {
    auto in_raw = proto_of(c.type, 3), in_field = proto_of(c.type, 3);
    in_raw.set_raw_data(c.raw);
    c.typed(in_field);
    for (const auto& proto : {in_raw, in_field}) {
      const Tensor t = taken(proto);
      EXPECT_EQ(t.dtype(), c.dtype) << c.type;
      EXPECT_EQ(doubles(t), c.values) << c.type;
      onnx::TensorProto written;
      put_tensor(t, written);
      EXPECT_EQ(written.data_type(), c.type);
      if (c.dtype != DType::kBool) {  // 200 is written as 1
        EXPECT_EQ(written.raw_data(), c.raw) << c.type;
      }
    }
  }
}

TEST(TensorProto, LargeRawDataIsMovedAndCorrect) {
  std::string bytes(8192, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  auto proto = proto_of(2, 8192);
  proto.set_raw_data(bytes);
  const Tensor t = taken(proto);
  EXPECT_EQ(std::memcmp(t.bytes(), bytes.data(), bytes.size()), 0);
}

TEST(ParseTensor, RefusesBytesThatAreNoneAndExternalData) {
  const std::string text = "no tensor";
  bad_input_of([&] { (void)parse_tensor(std::as_bytes(std::span(text))); });
  auto proto = proto_of(1, 1);
  proto.set_data_location(onnx::TensorProto::EXTERNAL);
  const std::string bytes = proto.SerializeAsString();
  EXPECT_THAT(bad_input_of([&] { (void)parse_tensor(std::as_bytes(std::span(bytes))); }),
              HasSubstr("external"));
}

// One float read from a file beside the model.
Tensor external(const TemporaryFolder& folder, const std::string& location,
                const std::string& offset = "", const std::string& length = "", int type = 1) {
  auto proto = proto_of(type, 1);
  proto.set_data_location(onnx::TensorProto::EXTERNAL);
  const auto add = [&](const char* key, const std::string& value) {
    if (value.empty()) return;
    auto* entry = proto.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  };
  add("location", location);
  add("offset", offset);
  add("length", length);
  ExternalData files(folder / "models/model.onnx");
  return take_tensor(proto, files);
}

TEST(ExternalDataFile, IsReadAtItsOffsetAlignedOrNot) {
  const TemporaryFolder folder;
  folder.write("models/sub/w.bin", "abcd" + raw<float>({1.5f}) + "e" + raw<float>({2.5f}));
  EXPECT_EQ(external(folder, "sub/w.bin", "4", "4").data<float>()[0], 1.5f);
  EXPECT_EQ(external(folder, "sub/../sub/w.bin", "9").data<float>()[0], 2.5f);
}

TEST(ExternalDataFile, OutsideTheFolderIsRefused) {
  const TemporaryFolder folder;
  const std::string content = raw<float>({1});
  const auto outside = folder.write("secret.bin", content);
  folder.write("models/inside.bin", content);
  folder.write("models-too/w.bin", content);
  std::filesystem::create_symlink(outside, folder / "models/link.bin");
  std::filesystem::create_directory_symlink(folder.path(), folder / "models/up");
  for (const std::string& location :
       {std::string("../secret.bin"), outside.string(), std::string("link.bin"),
        std::string("up/secret.bin"), std::string("../models-too/w.bin"),
        (folder / "models/inside.bin").string()})
    EXPECT_THAT(bad_input_of([&] { (void)external(folder, location); }),
                HasSubstr("outside the model's folder"))
        << location;
}

// As caches of model hubs have it: the names are links to files that are named by their hashes.
TEST(ExternalDataFile, MayLieWhereTheModelIsALinkTo) {
  const TemporaryFolder folder;
  folder.write("store/a", "");
  folder.write("store/b", raw<float>({1.5f}));
  folder.write("other/b", raw<float>({2.5f}));
  std::filesystem::create_directory(folder / "models");
  std::filesystem::create_symlink("../store/a", folder / "models/model.onnx");
  std::filesystem::create_symlink("../store/b", folder / "models/w.bin");
  std::filesystem::create_symlink("../other/b", folder / "models/link.bin");
  EXPECT_EQ(external(folder, "w.bin").data<float>()[0], 1.5f);
  for (const char* location : {"link.bin", "../store/b"})
    EXPECT_THAT(bad_input_of([&] { (void)external(folder, location); }),
                HasSubstr("outside the model's folder"))
        << location;
}

TEST(ExternalDataFile, ThatCannotBeReadIsNamed) {
  const TemporaryFolder folder;
  folder.write("models/w.bin", "1234");
  std::filesystem::create_symlink(folder / "models/loop", folder / "models/loop");
  for (const auto* location : {"none.bin", ".", "loop", ""})
    bad_input_of([&] { (void)external(folder, location); });
  bad_input_of([&] { (void)external(folder, std::string(5000, 'n')); });
  bad_input_of([&] { (void)external(folder, std::string("w.bin\0x", 7)); });
}

TEST(ExternalDataFile, RangesPastTheEndAreRefused) {
  const TemporaryFolder folder;
  folder.write("models/w.bin", "12345678");
  EXPECT_EQ(external(folder, "w.bin", "4").size(), 1);
  for (const auto* offset :
       {"5", "8", "9", "18446744073709551615", "-1", "4x", "99999999999999999999"})
    bad_input_of([&] { (void)external(folder, "w.bin", offset); });
  EXPECT_THAT(bad_input_of([&] { (void)external(folder, "w.bin", "0", "8"); }),
              HasSubstr("holds 8 bytes where float[1] needs 4"));
}

}  // namespace
}  // namespace q8
