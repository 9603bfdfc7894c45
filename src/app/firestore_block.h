#pragma once

#include <memory>
#include <string>

#include "app/config_model.h"
#include "config/block.h"
#include "document/document_store.h"

namespace millrace::app {

/// `firestore:` of `documents`, and the store of it. `scope`: whose positions these are.
const config::Block<FirestoreConfig>& FirestoreBlock();
std::unique_ptr<document::DocumentStore> MakeFirestoreStore(const std::string& scope, const std::string& name,
                                                            const DocumentsConfig& documents);

}  // namespace millrace::app
