#pragma once

#include <arrow/type_fwd.h>
#include <parquet/properties.h>
#include <parquet/type_fwd.h>

#include <memory>
#include <string>

#include "land/parquet_encoder.h"

namespace millrace::land {

/// `schema` with uuid as the extension type that Parquet annotates: the same bits under another name.
std::shared_ptr<arrow::Schema> ParquetSchemaOf(const arrow::Schema& schema);

/// The columns of a Parquet file with rows of ParquetSchemaOf's form.
std::shared_ptr<parquet::SchemaDescriptor> DescriptorOf(const arrow::Schema& parquet_schema);

/// What every file of ours has in common; encodings are for the caller.
void SetCommonProperties(const ParquetPacking& packing, parquet::WriterProperties::Builder& builder);

/// Of a column that SetCommonProperties would have compressed.
void LeaveUncompressed(const std::string& path, parquet::WriterProperties::Builder& builder);

/// `created_by` of a footer is of a file that SetCommonProperties has made.
bool IsOurs(const parquet::FileMetaData& footer);

}  // namespace millrace::land
