#include "land/parquet_form.h"

#include <arrow/api.h>
#include <arrow/extension/uuid.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/schema.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include "land/arrow_status.h"

namespace millrace::land {
namespace {

constexpr const char* kCreatedBy = "millrace";
/// Bounds of longer values are left out: the footer is read by everyone.
constexpr size_t kStatisticsBytesMax = size_t{64} << 10;

std::shared_ptr<arrow::DataType> ParquetTypeOf(const arrow::Field& field);

std::shared_ptr<arrow::Field> ParquetFieldOf(const std::shared_ptr<arrow::Field>& field) {
  return field->WithType(ParquetTypeOf(*field));
}

std::shared_ptr<arrow::DataType> ParquetTypeOf(const arrow::Field& field) {
  const auto& type = field.type();
  switch (type->id()) {
    case arrow::Type::STRUCT: {
      arrow::FieldVector fields;
      for (const auto& child : type->fields()) fields.push_back(ParquetFieldOf(child));
      return arrow::struct_(fields);
    }
    case arrow::Type::LIST:
      return arrow::list(ParquetFieldOf(type->field(0)));
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(*type);
      return std::make_shared<arrow::MapType>(ParquetFieldOf(map.key_field()), ParquetFieldOf(map.item_field()));
    }
    case arrow::Type::FIXED_SIZE_BINARY: {
      const bool uuid = field.metadata() && field.metadata()->Get("iceberg.type").ValueOr("") == "uuid";
      return uuid ? arrow::extension::uuid() : type;
    }
    default:
      return type;
  }
}

}  // namespace

std::shared_ptr<arrow::Schema> ParquetSchemaOf(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) fields.push_back(ParquetFieldOf(field));
  return arrow::schema(std::move(fields));
}

std::shared_ptr<parquet::SchemaDescriptor> DescriptorOf(const arrow::Schema& parquet_schema) {
  std::shared_ptr<parquet::SchemaDescriptor> descriptor;
  Check(parquet::arrow::ToParquetSchema(
            &parquet_schema, *parquet::WriterProperties::Builder().enable_store_decimal_as_integer()->build(),
            &descriptor),
        "schema of a Parquet file");
  return descriptor;
}

void SetCommonProperties(const ParquetPacking& packing, parquet::WriterProperties::Builder& builder) {
  builder.compression(packing.codec);
  if (arrow::util::Codec::SupportsCompressionLevel(packing.codec)) builder.compression_level(packing.level);
  builder.enable_store_decimal_as_integer();
  builder.max_statistics_size(kStatisticsBytesMax);
  builder.created_by(kCreatedBy);
}

void LeaveUncompressed(const std::string& path, parquet::WriterProperties::Builder& builder) {
  builder.compression(path, parquet::Compression::UNCOMPRESSED);
  builder.codec_options(path, std::make_shared<arrow::util::CodecOptions>());
}

bool IsOurs(const parquet::FileMetaData& footer) { return footer.created_by() == kCreatedBy; }

}  // namespace millrace::land
