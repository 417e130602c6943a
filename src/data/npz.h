#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "data/npy.h"
#include "tensor/tensor.h"

namespace q8 {

// NumPy's .npz: a zip archive, stored or deflated, with one .npy a member; names come without the
// ".npy". Damaged archives, bad checksums, members that claim more than deflate can hold and names
// that occur twice → bad_input; encrypted or otherwise compressed members → unsupported.
std::map<std::string, Tensor> read_npz(const std::filesystem::path& path);
std::map<std::string, ArrayInfo> read_npz_info(const std::filesystem::path& path);

// Writes the arrays sorted by name, all with the date 1980-01-01: equal arrays give equal bytes
// (deflated only on machines with the same zlib). The file appears whole or not at all.
enum class NpzCompression { kStored, kDeflated };
void write_npz(const std::filesystem::path& path, const std::map<std::string, Tensor>& arrays,
               NpzCompression compression = NpzCompression::kStored);

}  // namespace q8
