#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "schema/name_mapping.h"
#include "schema/schema.h"

namespace millrace::query {

/// A column as a Parquet file has it: its name there, its id, its members.
struct LayoutColumn {
  enum class Kind { kPrimitive, kStruct, kList, kMap };
  Kind kind = Kind::kPrimitive;
  std::string name;
  std::optional<schema::FieldId> id;
  std::vector<LayoutColumn> children;  // struct: members; list: element; map: key, value
};

/// The columns of one file, read from its footer.
struct FileLayout {
  std::vector<LayoutColumn> columns;
  bool has_ids = false;

  /// Equal for files whose columns can be read by one and the same SELECT.
  std::string Signature() const;
};

/// Error kUnavailable naming the file when it cannot be opened, kData when it is no Parquet file.
FileLayout ReadFileLayout(const std::string& path);

/// The layout with the ids that `mapping` gives to names; for a file without ids.
FileLayout WithIds(FileLayout layout, const schema::NameMapping& mapping);

/// Layouts by path: files never change. Thread-safe; forgets everything when it holds too many.
class FileLayouts {
 public:
  std::shared_ptr<const FileLayout> Get(const std::string& path);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const FileLayout>> layouts_;
};

/// True when DuckDB, which matches the members of structs by name, reads files written with any of `history` right as
/// `wanted`: within the columns they share, a member has kept its name and no name has passed to another member.
bool MembersMatchByName(const schema::Schema& wanted, const std::vector<schema::Schema>& history);

/// The SQL that makes the columns of `wanted`, in its order, of a file's: "CAST(\"a\" AS BIGINT) AS \"b\", ...".
/// Columns the file lacks are null.
std::string ProjectLayout(const schema::Schema& wanted, const FileLayout& layout);

}  // namespace millrace::query
