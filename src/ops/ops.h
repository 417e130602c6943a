#pragma once

#include "ops/operator.h"

namespace q8 {

// Null where q8 has no such operator. The rows hold for every opset from 7 on; what differs between
// versions is seen to by the operator itself (NodeContext::opset).
const OpRow* find_operator(std::string_view domain, std::string_view type);

// All rows, family by family.
std::vector<const OpRow*> all_operators();

// Throws unsupported for the operators of the graph and its subgraphs that q8 has not: each with
// the name of its first node and how many such nodes there are.
void check_operators(const Graph& graph);

}  // namespace q8
