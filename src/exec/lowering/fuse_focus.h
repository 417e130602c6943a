#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// A Conv (of floats, or the integer one of fuse_qdq) behind a Concat of the four images that every
// second line and column of one image make (the "focus" stem of YOLO models) becomes a Conv of that
// image with twice the kernel, stride and pads. Only where the image's size is declared and even,
// and nobody else reads the Concat. Sums of floats are taken in another order. Returns how many
// convolutions it changed.
int fuse_focus(Graph& graph, const std::vector<ValueId>& keep);

}  // namespace q8
