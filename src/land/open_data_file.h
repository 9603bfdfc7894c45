#pragma once

#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "io/object_store.h"
#include "land/object_stream.h"

namespace millrace::land {

/// The bytes of a data file. Error kStop when it lies outside the store, kUnavailable when it is gone.
std::shared_ptr<ObjectInput> DataFileBytes(io::ObjectStore& store, const std::string& file_path);

/// Errors as of DataFileBytes, and Parquet's own: inside of ReadingDataFile.
std::unique_ptr<parquet::ParquetFileReader> OpenDataFile(io::ObjectStore& store, const std::string& file_path);

/// Parquet's own exceptions in `body` become Error kData; errors name the file.
template <typename Body>
auto ReadingDataFile(const std::string& file_path, Body&& body) {
  return WithContext("data file " + file_path, [&] {
    try {
      return body();
    } catch (const parquet::ParquetException& error) {
      throw Error(ErrorCode::kData, std::string("it cannot be read: ") + error.what() + "; restore it from a copy");
    }
  });
}

}  // namespace millrace::land
