#pragma once

#include <memory>

#include "app/config_model.h"
#include "catalog/glue/glue_catalog.h"
#include "catalog/glue/glue_client.h"
#include "config/block.h"
#include "io/object_store.h"

namespace millrace::app {

/// How the AWS Glue Data Catalog is reached.
const config::Block<GlueConfig>& GlueBlock();

/// The table of Glue over a table's plain files.
const config::Block<GlueTableConfig>& GlueTableBlock();

catalog::GlueOptions GlueOptionsOf(const GlueConfig& config);

/// The catalogue of `lake.catalog.glue`, over the store of `lake.warehouse`.
std::unique_ptr<catalog::GlueCatalog> OpenGlueCatalog(const GlueConfig& config, io::ObjectStore& store);

}  // namespace millrace::app
