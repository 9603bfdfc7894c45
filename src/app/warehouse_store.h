#pragma once

#include <memory>

#include "app/config_model.h"
#include "io/object_store.h"
#include "io/s3_options.h"

namespace millrace::app {

/// The store of a pipeline's warehouse: a local folder, or a bucket. Error kStop when it belongs to another version or
/// cannot be written. With `vended` credentials, a bucket of which only tables can be reached: what is beside them is
/// not looked at.
std::unique_ptr<io::ObjectStore> OpenWarehouse(const PipelineConfig& pipeline,
                                               std::shared_ptr<io::PrefixCredentials> vended);

/// The same to write exactly once into: a bucket is asked whether it keeps the condition that this rests on.
std::unique_ptr<io::ObjectStore> OpenWarehouseToWrite(const PipelineConfig& pipeline,
                                                      std::shared_ptr<io::PrefixCredentials> vended);

/// How a bucket is reached.
io::S3Options BucketOptions(const S3Config& config, const io::S3Location& location);

/// A bucket, or a prefix of it, that is reached as `lake.s3` says and holds no warehouse of ours.
std::unique_ptr<io::ObjectStore> OpenBucket(const PipelineConfig& pipeline, const io::S3Location& location);

/// Makes nothing. Error kStop when the warehouse that is there belongs to another version.
void RequireWarehouseFormat(io::ObjectStore& store);

/// Error kUnavailable when the store does not answer, or holds no warehouse any more.
void RequireWarehouse(io::ObjectStore& store);

/// Whether there is one already, as far as can be told without asking a server.
bool MayHaveWarehouse(const PipelineConfig& pipeline);

}  // namespace millrace::app
