#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "io/object_store.h"
#include "schema/schema.h"

namespace millrace::land {

/// The columns of a table's files at one time. Immutable.
struct FilesSchema {
  int64_t version = 0;  // from 1
  schema::Schema schema;
  std::shared_ptr<arrow::Schema> columns;  // ToArrow's form
};
using FilesSchemaPtr = std::shared_ptr<const FilesSchema>;

/// The columns of a table of Parquet or Avro files, as a chain of versions that all workers share. A version is an
/// object of its own, created only if absent, and is never changed: of two workers that grow the columns at once, the
/// slower one grows what the other has made. Each version is the one before it, grown as Iceberg lets tables grow
/// (schema/evolution.h), so that a column keeps its name, its id and its type, but for int that becomes long, float
/// double, and a decimal of more digits: whoever reads by a later version reads the files of every earlier one.
/// "<folder><version, 8 digits>.json", version 1 of the form, frozen: {"version":1,"schema":<Iceberg's JSON>}.
/// One thread at a time.
class FilesSchemas {
 public:
  /// `folder` ends in a slash.
  FilesSchemas(io::ObjectStore& store, std::string folder) : store_(store), folder_(std::move(folder)) {}

  /// As last seen, or as found there; null: there is none yet.
  FilesSchemaPtr Newest();
  /// Error kStop when it is not there, or is no version of ours.
  FilesSchemaPtr At(int64_t version);
  /// The newest one, which has the columns of `wanted`, but for types that it cannot take. Error kUnavailable when the
  /// store does not answer, and then it may be called again.
  FilesSchemaPtr Require(const arrow::Schema& wanted);
  /// Looks again, the next time.
  void Forget() { newest_.reset(); }

 private:
  std::string KeyOf(int64_t version) const;

  io::ObjectStore& store_;
  const std::string folder_;
  FilesSchemaPtr newest_;
  std::map<int64_t, FilesSchemaPtr> known_;
};

/// Of a plans folder (PlansFolder), where the columns are kept.
std::string FilesSchemasFolder(const std::string& plans_folder);

}  // namespace millrace::land
