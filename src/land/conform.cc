#include "land/conform.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "land/arrow_status.h"

namespace millrace::land {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

ArrayPtr ConformArray(const ArrayPtr& array, const arrow::Field& want, const std::string& path);

void CheckRequired(const arrow::Array& array, const arrow::Field& want, const std::string& path) {
  if (want.nullable() || array.null_count() == 0) return;
  throw Error(ErrorCode::kData, "column " + path + " is required and " + std::to_string(array.null_count()) +
                                    " rows have no value for it: mend the input, or make the column optional");
}

ArrayPtr Missing(const arrow::Field& want, int64_t length, const std::string& path) {
  if (!want.nullable()) {
    throw Error(ErrorCode::kData,
                "column " + path + " is required and the rows lack it: mend the input, or make it optional");
  }
  return ValueOf(arrow::MakeArrayOfNull(want.type(), length), "a column of nulls");
}

ArrayPtr ConformStruct(const arrow::StructArray& group, const arrow::Field& want, const std::string& path) {
  arrow::ArrayVector children;
  for (const auto& field : want.type()->fields()) {
    const std::string child_path = path + "." + field->name();
    const int index = static_cast<const arrow::StructType&>(*group.type()).GetFieldIndex(field->name());
    // A null group has null children, whatever stands below it: only then do required children count.
    children.push_back(index < 0 ? Missing(*field, group.length(), child_path)
                                 : ConformArray(group.field(index), *field->WithNullable(true), child_path));
  }
  std::shared_ptr<arrow::Buffer> validity = group.null_bitmap();
  if (validity && group.offset() != 0) {
    validity = ValueOf(
        arrow::internal::CopyBitmap(arrow::default_memory_pool(), validity->data(), group.offset(), group.length()),
        "a validity bitmap");
  }
  return std::make_shared<arrow::StructArray>(want.type(), group.length(), std::move(children), std::move(validity),
                                              group.null_count());
}

/// The same offsets and validity over values that were conformed whole.
ArrayPtr WithChild(const arrow::Array& list, const std::shared_ptr<arrow::DataType>& type,
                   std::shared_ptr<arrow::ArrayData> child) {
  auto data = list.data()->Copy();
  data->type = type;
  data->child_data = {std::move(child)};
  return arrow::MakeArray(data);
}

ArrayPtr ConformMap(const arrow::MapArray& map, const arrow::Field& want, const std::string& path) {
  const auto& type = static_cast<const arrow::MapType&>(*want.type());
  const ArrayPtr keys = ConformArray(map.keys(), *type.key_field(), path + ".key");
  const ArrayPtr items = ConformArray(map.items(), *type.item_field(), path + ".value");
  const auto entries =
      std::make_shared<arrow::StructArray>(type.value_type(), keys->length(), arrow::ArrayVector{keys, items});
  return WithChild(map, want.type(), entries->data());
}

ArrayPtr ConformArray(const ArrayPtr& array, const arrow::Field& want, const std::string& path) {
  CheckRequired(*array, want, path);
  const auto& type = want.type();
  if (array->type()->Equals(*type)) return array;
  if (array->type_id() == arrow::Type::NA) return Missing(want, array->length(), path);
  if (type->id() == array->type_id()) {
    switch (type->id()) {
      case arrow::Type::STRUCT:
        return ConformStruct(static_cast<const arrow::StructArray&>(*array), want, path);
      case arrow::Type::LIST: {
        const auto& list = static_cast<const arrow::ListArray&>(*array);
        return WithChild(list, type, ConformArray(list.values(), *type->field(0), path + ".element")->data());
      }
      case arrow::Type::MAP:
        return ConformMap(static_cast<const arrow::MapArray&>(*array), want, path);
      default:
        break;
    }
  }
  return ValueOf(arrow::compute::Cast(*array, type, arrow::compute::CastOptions::Safe()),
                 "column " + path + " of type " + array->type()->ToString() + " as " + type->ToString());
}

}  // namespace

std::shared_ptr<arrow::RecordBatch> Conform(const std::shared_ptr<arrow::RecordBatch>& rows,
                                            const std::shared_ptr<arrow::Schema>& schema) {
  arrow::ArrayVector columns;
  int matched = 0;
  for (const auto& field : schema->fields()) {
    const int index = rows->schema()->GetFieldIndex(field->name());
    matched += index < 0 ? 0 : 1;
    columns.push_back(index < 0 ? Missing(*field, rows->num_rows(), field->name())
                                : ConformArray(rows->column(index), *field, field->name()));
  }
  if (matched != rows->num_columns()) {
    throw Error(ErrorCode::kInternal, "rows have a column that the table lacks: " + rows->schema()->ToString());
  }
  return arrow::RecordBatch::Make(schema, rows->num_rows(), std::move(columns));
}

}  // namespace millrace::land
