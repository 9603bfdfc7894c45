#include "land/read_keys.h"

#include <arrow/api.h>

#include "base/error.h"
#include "land/read_columns.h"

namespace millrace::land {

std::vector<schema::FieldId> KeyFields(const table::TableMetadata& metadata,
                                       const std::vector<std::string>& key_paths) {
  std::vector<schema::FieldId> fields;
  for (const auto& path : key_paths) {
    const schema::Field* field = metadata.schema().Find(path);
    if (field == nullptr) {
      throw Error(ErrorCode::kConfig,
                  "key column " + path + " is not in the table: name one of its columns under `key`");
    }
    fields.push_back(field->id);
  }
  return fields;
}

void ReadKeys(io::ObjectStore& store, const table::TableMetadata& metadata, const table::DataFile& file,
              const std::vector<std::string>& key_paths, const std::function<void(const KeyHash&)>& visit) {
  if (file.content != table::FileContent::kData) return;
  ReadColumns(store, file.file_path, metadata.schema(), KeyFields(metadata, key_paths),
              [&](const arrow::ArrayVector& columns) {
                for (const auto& key : HashKeys(columns)) {
                  if (key) visit(*key);
                }
              });
}

}  // namespace millrace::land
