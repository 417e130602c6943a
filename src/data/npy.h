#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "tensor/tensor.h"

namespace q8 {

// Type and shape of an array in a file, known without reading its elements.
struct ArrayInfo {
  DType dtype = DType::kF32;
  Shape shape;
};

// NumPy's .npy format, versions 1 to 3 (NumPy Enhancement Proposal 1): little or big endian, C or
// Fortran order, bool, 8- to 64-bit integers, 16- to 64-bit floats. The result is always in native
// order and row-major; where the file already is, the tensor borrows the mapped file.
// Malformed headers, missing or surplus bytes → bad_input; strings, objects, complex and structured
// types → unsupported. Messages name the file.
Tensor read_npy(const std::filesystem::path& path);
ArrayInfo read_npy_info(const std::filesystem::path& path);

// The same of bytes in memory: `keep` owns them and the result may borrow them.
Tensor parse_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> keep);
// Needs only the beginning of the file: at least the header.
struct NpyHeader {
  ArrayInfo info;
  bool fortran_order = false;
  bool big_endian = false;
  std::size_t data_offset = 0;  // where the elements begin
};
NpyHeader parse_npy_header(std::span<const std::byte> beginning);
// The same of a file of so many bytes, which its elements must fill.
NpyHeader parse_npy_header(std::span<const std::byte> beginning, std::size_t file_size);

// The .npy file of a tensor: version 1, C order, little endian. bf16 and integers of 4 and
// 2 bits are unsupported: NumPy has no such types.
std::string npy_bytes(const Tensor& tensor);

}  // namespace q8
