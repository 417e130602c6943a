#include <webp/decode.h>

#include "base/error.h"
#include "data/image_decoders.h"

namespace q8 {

Image decode_webp(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data, bytes.size(), &features) != VP8_STATUS_OK)
    throw bad_input("WebP: the header is damaged or truncated");
  if (features.has_animation) throw unsupported("WebP: animations cannot be read, only images");
  Image image = make_image(features.height, features.width, 3);
  if (WebPDecodeRGBInto(data, bytes.size(), image.pixels.data(), image.pixels.size(),
                        features.width * 3) == nullptr)
    throw bad_input("WebP: the image data is damaged or truncated");
  return image;
}

}  // namespace q8
