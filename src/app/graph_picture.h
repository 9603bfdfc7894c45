#pragma once

#include <string>

#include "refine/graph.h"

namespace millrace::app {

/// What is made of what as one SVG document that needs nothing beside it: tables from left to right, each after what it
/// is made of; a model's box has a firm line, a view's a dashed one, and a table that no model makes is grey.
std::string PictureOf(const refine::Graph& graph);

}  // namespace millrace::app
