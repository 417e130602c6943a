#include "data/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace q8 {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are little endian in files");

struct NumpyType {
  std::string_view code;  // kind and bytes, without the byte order
  DType dtype;
};
constexpr NumpyType kTypes[] = {
    {"b1", DType::kBool}, {"i1", DType::kS8},  {"u1", DType::kU8},  {"i2", DType::kS16},
    {"u2", DType::kU16},  {"i4", DType::kS32}, {"u4", DType::kU32}, {"i8", DType::kS64},
    {"u8", DType::kU64},  {"f2", DType::kF16}, {"f4", DType::kF32}, {"f8", DType::kF64},
};

constexpr std::string_view kMagic("\x93NUMPY", 6);

// The header is a Python dictionary literal with the keys descr, fortran_order and shape, in any
// order and with any spacing.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  NpyHeader parse() {
    NpyHeader header;
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !has_type) {
        has_type = true;
        read_type(header);
      } else if (key == "fortran_order" && !has_order) {
        has_order = true;
        header.fortran_order = boolean();
      } else if (key == "shape" && !has_shape) {
        has_shape = true;
        header.info.shape = shape();
      } else {
        throw malformed("the unexpected key '" + std::string(key) + "'");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!text_.empty()) throw malformed("something behind the dictionary");
    if (!has_type || !has_order || !has_shape)
      throw malformed("a dictionary without descr, fortran_order or shape");
    return header;
  }

 private:
  static Error malformed(const std::string& found) {
    return bad_input("the .npy header is malformed: found " + found);
  }
  void skip_space() {
    text_.remove_prefix(std::min(text_.size(), text_.find_first_not_of(" \t\r\n")));
  }
  bool accept(char c) {
    skip_space();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      throw malformed(text_.empty() ? "its end where '" + std::string(1, c) + "' is expected"
                                    : "'" + std::string(text_.substr(0, 8)) + "' where '" +
                                          std::string(1, c) + "' is expected");
  }
  std::string_view quoted() {
    skip_space();
    const char quote = text_.empty() ? '\0' : text_.front();
    const std::size_t end =
        quote == '\'' || quote == '"' ? text_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos) throw malformed("no quoted name where one is expected");
    const std::string_view content = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return content;
  }
  bool boolean() {
    skip_space();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return value;
    }
    throw malformed("no True or False for fortran_order");
  }
  void read_type(NpyHeader& header) {
    skip_space();
    if (text_.starts_with('['))
      throw unsupported("structured arrays cannot be read, only arrays of one number type");
    const std::string_view descr = quoted();
    const char order = descr.empty() ? '\0' : descr.front();
    const std::string_view code =
        std::string_view("<>|=").find(order) == std::string_view::npos ? descr : descr.substr(1);
    const auto* it =
        std::ranges::find_if(kTypes, [&](const NumpyType& t) { return t.code == code; });
    if (it == std::end(kTypes))
      throw unsupported("arrays of NumPy type '" + std::string(descr) +
                        "' cannot be read: bool, integers of 8 to 64 bits or floats of 16 to 64 "
                        "bits are expected");
    header.info.dtype = it->dtype;
    header.big_endian = order == '>';
  }
  Shape shape() {
    expect('(');
    std::vector<std::int64_t> dims;
    while (!accept(')')) {
      skip_space();
      std::int64_t dim = 0;
      const auto [end, problem] = std::from_chars(text_.data(), text_.data() + text_.size(), dim);
      if (problem != std::errc() || dim < 0) throw malformed("no dimension where one is expected");
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      dims.push_back(dim);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return Shape(std::move(dims));
  }

  std::string_view text_;
};

// The bytes that the elements take; throws where that overflows.
std::size_t data_size(const ArrayInfo& info) {
  const std::int64_t count = info.shape.count();
  if (count > (std::int64_t{1} << 60)) throw bad_input("an array of shape " + info.shape.str());
  return static_cast<std::size_t>(count) * dtype_size(info.dtype);
}

void swap_byte_order(std::byte* data, std::size_t bytes, std::size_t element) {
  for (std::size_t i = 0; i < bytes; i += element) std::reverse(data + i, data + i + element);
}

// Fortran order read as C order is the transposed array: puts the elements where they belong.
void from_fortran_order(const std::byte* from, const ArrayInfo& info, std::byte* to) {
  const std::size_t element = dtype_size(info.dtype);
  const std::int64_t rank = info.shape.rank(), count = info.shape.count();
  std::vector<std::int64_t> strides(static_cast<std::size_t>(rank)), index(strides.size());
  std::int64_t stride = 1;
  for (std::size_t axis = 0; axis < strides.size(); ++axis) {
    strides[axis] = stride;
    stride *= info.shape[static_cast<std::int64_t>(axis)];
  }
  for (std::int64_t i = 0, offset = 0; i < count; ++i) {
    std::memcpy(to, from + static_cast<std::size_t>(offset) * element, element);
    to += element;
    for (std::size_t axis = strides.size(); axis-- > 0;) {
      offset += strides[axis];
      if (++index[axis] < info.shape[static_cast<std::int64_t>(axis)]) break;
      offset -= strides[axis] * index[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace

NpyHeader parse_npy_header(std::span<const std::byte> beginning) {
  const std::string_view text(reinterpret_cast<const char*>(beginning.data()), beginning.size());
  if (!text.starts_with(kMagic)) throw bad_input("not a .npy array: its first bytes are others");
  const auto at = [&](std::size_t i) { return std::to_integer<std::size_t>(beginning[i]); };
  if (text.size() < 12) throw bad_input("the .npy header is truncated");
  const std::size_t version = at(6);
  if (version < 1 || version > 3)
    throw unsupported("version " + std::to_string(version) + " of .npy: 1 to 3 can be read");
  const std::size_t start = version == 1 ? 10 : 12;
  const std::size_t length =
      version == 1 ? at(8) | at(9) << 8 : at(8) | at(9) << 8 | at(10) << 16 | at(11) << 24;
  if (length > text.size() - start) throw bad_input("the .npy header is truncated");
  NpyHeader header = HeaderParser(text.substr(start, length)).parse();
  header.data_offset = start + length;
  return header;
}

NpyHeader parse_npy_header(std::span<const std::byte> beginning, std::size_t file_size) {
  NpyHeader header = parse_npy_header(beginning);
  const std::size_t size = data_size(header.info), held = file_size - header.data_offset;
  if (size != held)
    throw bad_input("an array " + std::string(dtype_name(header.info.dtype)) +
                    header.info.shape.str() + " takes " + std::to_string(size) +
                    " bytes, the file holds " + std::to_string(held));
  return header;
}

Tensor parse_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> keep) {
  const NpyHeader header = parse_npy_header(bytes, bytes.size());
  const std::size_t size = data_size(header.info);
  const std::byte* data = bytes.data() + header.data_offset;
  const std::size_t element = dtype_size(header.info.dtype);
  const bool is_bool = header.info.dtype == DType::kBool;
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(data) % element == 0;
  const bool swaps = header.big_endian && element > 1;
  if (!header.fortran_order && !swaps && !is_bool && is_aligned && keep != nullptr)
    return Tensor(header.info.dtype, header.info.shape,
                  std::shared_ptr<const std::byte>(keep, data));
  Tensor out(header.info.dtype, header.info.shape);
  if (header.fortran_order)
    from_fortran_order(data, header.info, out.mutable_bytes());
  else if (size > 0)
    std::memcpy(out.mutable_bytes(), data, size);
  if (swaps) swap_byte_order(out.mutable_bytes(), size, element);
  if (is_bool)  // any other bit pattern would be undefined behaviour as a bool
    for (std::size_t i = 0; i < size; ++i)
      out.mutable_bytes()[i] = std::byte{out.bytes()[i] != std::byte{0}};
  return out;
}

Tensor read_npy(const std::filesystem::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  try {
    return parse_npy(file->bytes(), file);
  } catch (const Error& error) {
    throw error.within(path.string());
  }
}

ArrayInfo read_npy_info(const std::filesystem::path& path) {
  const MappedFile file(path);
  try {
    return parse_npy_header(file.bytes(), file.bytes().size()).info;
  } catch (const Error& error) {
    throw error.within(path.string());
  }
}

std::string npy_bytes(const Tensor& tensor) {
  const auto* type =
      std::ranges::find_if(kTypes, [&](const NumpyType& t) { return t.dtype == tensor.dtype(); });
  if (type == std::end(kTypes))
    throw unsupported("NumPy has no type for " + std::string(dtype_name(tensor.dtype())));
  const std::string order = dtype_size(tensor.dtype()) == 1 ? "|" : "<";
  std::string header =
      "{'descr': '" + order + std::string(type->code) + "', 'fortran_order': False, 'shape': (";
  for (const std::int64_t dim : tensor.shape()) header += std::to_string(dim) + ", ";
  // (3, ) is what Python needs for one dimension; for more the last comma may go.
  if (tensor.rank() > 0) header.erase(header.size() - (tensor.rank() == 1 ? 1 : 2));
  header += "), }";
  // Spaces and a newline, so that the elements begin at a multiple of 64 bytes.
  const std::size_t unpadded = kMagic.size() + 4 + header.size() + 1;
  header.append((64 - unpadded % 64) % 64, ' ');
  header += '\n';
  std::string out(kMagic);
  out += {'\x01', '\x00', static_cast<char>(header.size() & 0xFF),
          static_cast<char>(header.size() >> 8)};
  out += header;
  out.append(reinterpret_cast<const char*>(tensor.bytes()), tensor.size_bytes());
  return out;
}

}  // namespace q8
