#pragma once

#include <filesystem>
#include <string>

#include "refine/model.h"

namespace millrace::refine {

/// The comment at the top of a model file, cut out of it.
struct HeaderText {
  std::string yaml;    // empty: there is none
  int first_line = 1;  // of the file, where the YAML begins
  std::string sql;     // the whole file: the header is a comment, and errors keep their lines
  size_t end = 0;      // bytes of it up to the end of the header
};

/// Error kConfig when a header is not closed.
HeaderText CutHeader(const std::filesystem::path& file, const std::string& text);

/// Fills the model from its header. Error kConfig with file:line for an unknown key, naming the nearest, and for every
/// value that does not fit.
void ReadHeader(const HeaderText& header, Model& model);

}  // namespace millrace::refine
