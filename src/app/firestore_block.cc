#include "app/firestore_block.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/config_words.h"
#include "document/firestore/firestore_store.h"

namespace millrace::app {
namespace {

using config::Block;
using config::Duration;

/// "orders", or "shops/x/orders": of collections and documents in turn, ending with a collection.
bool IsCollection(std::string_view path, bool nested) {
  size_t parts = 1;
  for (; !path.empty(); ++parts) {
    const auto part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == ".." || (part.starts_with("__") && part.ends_with("__"))) return false;
    if (part.size() == path.size()) return parts % 2 == 1 && (nested || parts == 1);
    path.remove_prefix(part.size() + 1);
  }
  return false;
}

void CheckFirestore(const FirestoreConfig& firestore, const std::string& path, config::ParseContext& context) {
  const auto check = [&](const char* name, const std::string& value, bool nested) {
    if (value.empty() || IsCollection(value, nested)) return;
    context.problems.Add(firestore.MarkOf(name),
                         fmt::format("{}.{}: '{}' is no collection; expected a name{}, not `.`, `..` or `__x__`", path,
                                     name, value, nested ? ", or a path of an odd number of them" : " without '/'"));
  };
  check("collection", firestore.collection, true);
  check("quarantine_collection", firestore.quarantine_collection, true);
  check("positions_collection", firestore.positions_collection, false);
  const auto& endpoint = firestore.endpoint;
  const bool plain = endpoint.starts_with("http://");
  if (!endpoint.empty() && !plain && !endpoint.starts_with("https://")) {
    context.problems.Add(firestore.MarkOf("endpoint"),
                         fmt::format("{}.endpoint: expected https://host, or http://host:port of an emulator, "
                                     "found '{}'",
                                     path, endpoint));
  }
  if (plain && firestore.credentials) {
    context.problems.Add(firestore.MarkOf("credentials"),
                         fmt::format("{}.credentials: are for https://; an emulator gets none", path));
  }
}

}  // namespace

const Block<FirestoreConfig>& FirestoreBlock() {
  static const auto block =
      Block<FirestoreConfig>(
          "A collection of Firestore (native mode), or of an emulator of it. Without `credentials`, Google's own "
          "places "
          "are looked into: GOOGLE_APPLICATION_CREDENTIALS, gcloud's, the metadata service of the machine.")
          .Add(&FirestoreConfig::project, {.name = "project", .doc = "The project.", .required = true})
          .Add(&FirestoreConfig::database, {.name = "database", .doc = "The database.", .fallback = "(default)"})
          .Add(&FirestoreConfig::collection,
               {.name = "collection",
                .doc = "The collection, or a path to one below a document (`shops/x/orders`); without it, named as the "
                       "block is."})
          .Add(&FirestoreConfig::quarantine_collection,
               {.name = "quarantine_collection",
                .doc = "The collection of what is no document; without it, `<collection>_quarantine`."})
          .Add(&FirestoreConfig::positions_collection, {.name = "positions_collection",
                                                        .doc = "The collection of positions; all pipelines may share "
                                                               "one.",
                                                        .fallback = "_millrace_positions"})
          .Add(&FirestoreConfig::endpoint,
               {.name = "endpoint",
                .doc = "http://host:port of an emulator, or https://host of what is not Google's own address. Without "
                       "it, FIRESTORE_EMULATOR_HOST where that is set."})
          .Add(&FirestoreConfig::api, {.name = "api",
                                       .doc = "How it is spoken to: `grpc`, or `rest` where something between does not "
                                              "pass HTTP/2.",
                                       .fallback = FirestoreApiWord::kGrpc})
          .Add(&FirestoreConfig::credentials,
               {.name = "credentials", .doc = "The JSON of a service account's key file."})
          .Add(&FirestoreConfig::ca_file,
               {.name = "ca_file", .doc = "PEM file of the certificates to trust. Without it, the system's."})
          .Add(&FirestoreConfig::long_numbers,
               {.name = "long_numbers",
                .doc = "What becomes of a record with a number that neither an integer of 64 bits nor a double holds "
                       "with all its digits: `refuse`, it goes to quarantine; `text`, the number becomes text.",
                .fallback = LongNumbersWord::kRefuse})
          .Add(&FirestoreConfig::writers,
               {.name = "writers", .doc = "Commits under way at a time.", .fallback = 8, .min = 1, .max = 128})
          .Add(&FirestoreConfig::timeout, {.name = "timeout",
                                           .doc = "How long one request may take.",
                                           .fallback = Duration(30'000),
                                           .min = Duration(100)})
          .Check(CheckFirestore);
  return block;
}

std::unique_ptr<document::DocumentStore> MakeFirestoreStore(const std::string& scope, const std::string& name,
                                                            const DocumentsConfig& documents) {
  const auto& config = *documents.firestore;
  document::FirestoreStoreOptions options;
  options.server.project = config.project;
  options.server.database = config.database;
  options.server.endpoint = config.endpoint;
  options.server.api =
      config.api == FirestoreApiWord::kRest ? document::FirestoreApi::kRest : document::FirestoreApi::kGrpc;
  if (config.credentials) options.server.credentials.json = config.credentials->Reveal();
  if (config.ca_file) options.server.ca_file = config.ca_file->value;
  options.server.timeout = config.timeout;
  options.collection = config.collection.empty() ? name : config.collection;
  options.quarantine_collection = config.quarantine_collection;
  options.positions_collection = config.positions_collection;
  options.long_numbers =
      config.long_numbers == LongNumbersWord::kText ? document::LongNumbers::kText : document::LongNumbers::kRefuse;
  // All collections of a database may share one of positions.
  options.scope = options.collection + "/" + scope;
  options.deleted_for = documents.keep_deleted;
  options.writers = static_cast<int>(config.writers);
  return std::make_unique<document::FirestoreStore>(std::move(options));
}

}  // namespace millrace::app
