#include "schema/registry/registered_avro.h"

#include <algorithm>
#include <string>
#include <vector>

namespace millrace::schema {

AvroSchema ParseAvro(const RegisteredSchema& schema, AvroSchema::Rules rules) {
  std::vector<std::string> references;
  for (const auto& used : schema.references) {
    // One schema may be there under several names; its types are defined once.
    if (std::ranges::find(references, used.text) == references.end()) references.push_back(used.text);
  }
  return AvroSchema::Parse(schema.text, references, rules);
}

}  // namespace millrace::schema
