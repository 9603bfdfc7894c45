#include "query/scan_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "query/delete_sql.h"
#include "query/sql_text.h"

namespace millrace::query {
namespace {

std::string ColumnList(const schema::Schema& schema, std::string_view relation = "") {
  std::string columns;
  for (const auto& field : schema.fields)
    columns += fmt::format("{}{}{}", columns.empty() ? "" : ", ", relation, QuoteName(field.name));
  return columns;
}

std::string SchemaMap(const schema::Schema& schema) {
  std::string columns;
  for (const auto& field : schema.fields) {
    columns += fmt::format("{}{}: {{name: {}, type: {}, default_value: NULL}}", columns.empty() ? "" : ", ",
                           field.id.value(), QuoteText(field.name), QuoteText(SqlType(field.type)));
  }
  return fmt::format("MAP {{{}}}", columns);
}

/// One way to read some of the files: all of them have the columns that `projection` names.
struct Group {
  std::string projection;
  std::string options;  // of read_parquet
  std::vector<std::string> paths;
};

std::string ReadPlain(const Group& group, bool with_path) {
  return fmt::format("SELECT {} FROM read_parquet([{}], hive_partitioning=false{}{})", group.projection,
                     PathList(group.paths), with_path ? fmt::format(", filename={}", QuoteText(kPathColumn)) : "",
                     group.options);
}

/// Rows of files that deletes apply to, without those that are gone.
std::string ReadWithDeletes(const Group& group, const DeleteSql& deletes, const std::string& columns) {
  return fmt::format(
      "SELECT {} FROM (SELECT {}, {}, file_row_number AS {} FROM read_parquet([{}], hive_partitioning=false, "
      "filename={}, file_row_number=true{})) AS kept{}",
      columns, group.projection, QuoteName(kPathColumn), QuoteName(kRowColumn), PathList(group.paths),
      QuoteText(kPathColumn), group.options, deletes.clause());
}

/// The path column among those of a projection: of copies, the URIs of what they are copies of.
std::string PathColumn(const DataFiles& files) {
  const auto name = QuoteName(kPathColumn);
  if (files.uri_root().empty()) return ", " + name;
  return fmt::format(", concat({}, substr({}, {})) AS {}", QuoteText(files.uri_root()), name,
                     LengthInCharacters(files.folder()) + 1, name);
}

/// Sorts files into groups that read alike.
class Grouping {
 public:
  /// `path`: what is selected besides the columns of `schema`.
  Grouping(const DataFiles& data_files, const ScanRequest& request, const schema::Schema& schema, std::string path,
           FileLayouts& layouts)
      : data_files_(data_files),
        schema_(schema),
        path_(std::move(path)),
        layouts_(layouts),
        by_name_(MembersMatchByName(schema_, request.metadata->schemas)) {
    const auto& properties = request.metadata->properties;
    const auto mapping = properties.find(schema::kNameMappingProperty);
    if (mapping != properties.end()) mapping_ = schema::ParseNameMapping(mapping->second);
  }

  void Add(const table::DataFile& file) {
    const auto path = data_files_.PathOf(file.file_path);
    const auto layout = by_name_ && !mapping_ ? nullptr : layouts_.Get(path);
    const bool by_id = !layout || (by_name_ && layout->has_ids);
    auto& group = groups_[by_id ? std::string() : layout->Signature()];
    if (group.paths.empty()) group = by_id ? ById() : ByLayout(*layout);
    group.paths.push_back(path);
  }
  const std::map<std::string, Group>& groups() const { return groups_; }

 private:
  Group ById() const { return {ColumnList(schema_) + path_, ", schema=" + SchemaMap(schema_), {}}; }

  Group ByLayout(const FileLayout& layout) const {
    return {ProjectLayout(schema_, layout.has_ids || !mapping_ ? layout : WithIds(layout, *mapping_)) + path_, "", {}};
  }

  const DataFiles& data_files_;
  const schema::Schema& schema_;
  const std::string path_;
  FileLayouts& layouts_;
  const bool by_name_;
  std::optional<schema::NameMapping> mapping_;
  std::map<std::string, Group> groups_;
};

std::string NoRows(const ScanRequest& request) {
  std::string columns;
  for (const auto& field : request.schema->fields) {
    columns += fmt::format("{}CAST(NULL AS {}) AS {}", columns.empty() ? "" : ", ", SqlType(field.type),
                           QuoteName(field.name));
  }
  if (request.with_path) columns += fmt::format(", CAST(NULL AS VARCHAR) AS {}", QuoteName(kPathColumn));
  return fmt::format("SELECT {} WHERE false", columns);
}

}  // namespace

std::string ScanSql(const DataFiles& files, const ScanRequest& request, const ScanPlan& plan, FileLayouts& layouts,
                    const std::string& vectors) {
  const auto path = request.with_path ? PathColumn(files) : std::string();
  std::vector<std::string> parts;
  Grouping whole(files, request, *request.schema, path, layouts);
  for (const auto& file : plan.files) whole.Add(file);
  for (const auto& [layout, group] : whole.groups()) parts.push_back(ReadPlain(group, request.with_path));
  if (!plan.deleted_files.empty()) {
    const DeleteSql deletes(files, request, plan, vectors);
    Grouping some(files, request, deletes.columns(), "", layouts);
    for (const auto& data : plan.deleted_files) some.Add(data.file);
    for (const auto& [layout, group] : some.groups()) {
      parts.push_back(ReadWithDeletes(group, deletes, ColumnList(*request.schema, "kept.") + path));
    }
  }
  return parts.empty() ? NoRows(request) : fmt::format("{}", fmt::join(parts, " UNION ALL "));
}

}  // namespace millrace::query
