#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "land/data_file_writer.h"

namespace millrace::land {

/// `options`, with what the table's own write.* properties say in their place: target file size, zstd level, and a row
/// group size where it is the smaller one. Error kConfig for a number that is none.
DataFileWriterOptions WithTableProperties(DataFileWriterOptions options,
                                          const std::map<std::string, std::string>& properties);

}  // namespace millrace::land
