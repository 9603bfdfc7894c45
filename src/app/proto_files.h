#pragma once

#include <string>
#include <vector>

#include "schema/registry/registry.h"

namespace millrace::app {

struct ProtoFile {
  std::string name;  // that others import it by; of the file itself its path
  std::string text;
  std::vector<std::string> imports;  // but for what comes with Protobuf
};

/// A .proto file and all that it imports, the file last, each behind what it imports. A file is looked for by the name
/// it is imported by in the folder of `path`, then in the folders above. Error kConfig when one is not found, imports
/// itself in a circle or is no Protobuf, or when there are more than 1000.
std::vector<ProtoFile> ReadProtoFiles(const std::string& path);

/// A schema as it is to be registered, and what it refers to.
struct SchemaToRegister {
  schema::SchemaText text;
  std::vector<schema::RegisteredSchema::Used> used;
};

/// Registers what a file imports, each under the name it is imported by as Confluent's serializers do, and gives the
/// file with references to them.
SchemaToRegister RegisterImports(const std::vector<ProtoFile>& files, schema::SchemaRegistry& registry);

}  // namespace millrace::app
