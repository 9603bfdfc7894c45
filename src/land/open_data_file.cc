#include "land/open_data_file.h"

namespace millrace::land {

std::shared_ptr<ObjectInput> DataFileBytes(io::ObjectStore& store, const std::string& file_path) {
  const auto key = store.KeyOf(file_path);
  if (!key) {
    throw Error(ErrorCode::kStop,
                "it lies outside this lake's warehouse; open the lake with the warehouse it was made in");
  }
  return std::make_shared<ObjectInput>(store, *key);
}

std::unique_ptr<parquet::ParquetFileReader> OpenDataFile(io::ObjectStore& store, const std::string& file_path) {
  return parquet::ParquetFileReader::Open(DataFileBytes(store, file_path));
}

}  // namespace millrace::land
