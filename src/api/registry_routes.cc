#include "api/registry_routes.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "schema/json_object.h"

namespace millrace::api {
namespace {

using io::HttpCall;
using io::HttpReply;
using schema::Deleted;
using schema::RegistryRefusal;
using schema::RegistryStore;
using Json = nlohmann::json;

constexpr const char* kMediaType = "application/vnd.schemaregistry.v1+json";
constexpr int64_t kBodyBytesMax = int64_t{4} << 20;

std::string Print(const Json& body) { return body.dump(-1, ' ', false, Json::error_handler_t::replace); }

HttpReply Reply(int status, std::string body) {
  return {.status = status, .headers = {{"Content-Type", kMediaType}}, .body = std::move(body), .stream = {}};
}

HttpReply Refusal(int status, int code, const std::string& message) {
  return Reply(status, Print({{"error_code", code}, {"message", message}}));
}

bool Flag(const HttpCall& call, std::string_view name) { return call.QueryValue(name).value_or("false") == "true"; }

Deleted DeletedOf(const HttpCall& call) { return Flag(call, "deleted") ? Deleted::kShown : Deleted::kHidden; }

/// Absent: the settings of all subjects.
std::string SubjectOf(const HttpCall& call) {
  const auto found = call.parameters.find("subject");
  return found == call.parameters.end() ? std::string() : found->second;
}

int32_t IdOf(const HttpCall& call) {
  const auto& text = call.parameters.at("id");
  int32_t id = 0;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, id);
  if (error != std::errc() || end != last) throw RegistryRefusal(404, "HTTP 404 Not Found");
  return id;
}

Json BodyOf(const HttpCall& call) {
  auto body = schema::MaybeParseJson(call.body->ReadAll());
  if (!body || !body->is_object()) throw RegistryRefusal(400, "Unrecognized request: the body is no JSON object");
  return *std::move(body);
}

int32_t Int32Of(const Json& value, const char* member) {
  constexpr auto kMax = std::numeric_limits<int32_t>::max();
  const bool fits = value.is_number_unsigned()
                        ? value.get<uint64_t>() <= kMax
                        : value.is_number_integer() && value.get<int64_t>() >= std::numeric_limits<int32_t>::min();
  if (fits) return value.get<int32_t>();
  throw RegistryRefusal(400, fmt::format("Unrecognized request: \"{}\" is no number of 32 bits", member));
}

schema::SchemaText SchemaOf(const Json& body) {
  const auto text = body.find("schema");
  if (text == body.end() || !text->is_string()) throw RegistryRefusal(42201, "Empty schema");
  schema::SchemaText schema{.text = text->get<std::string>()};
  if (const auto word = body.find("schemaType"); word != body.end() && !word->is_null()) {
    const auto kind = word->is_string() ? schema::ParseSchemaKind(word->get<std::string>()) : std::nullopt;
    if (!kind) throw RegistryRefusal(42201, fmt::format("Invalid schema type {}", word->dump()));
    schema.kind = *kind;
  }
  const auto references = body.find("references");
  if (references == body.end() || references->is_null()) return schema;
  for (const auto& reference : *references) {
    schema.references.push_back({reference.at("name").get<std::string>(), reference.at("subject").get<std::string>(),
                                 Int32Of(reference.at("version"), "version")});
  }
  return schema;
}

/// As Confluent has it, none is -1.
std::optional<int32_t> Number(const Json& body, const char* member, int32_t least) {
  const auto found = body.find(member);
  if (found == body.end() || found->is_null()) return std::nullopt;
  const auto number = Int32Of(*found, member);
  return number < least ? std::nullopt : std::optional(number);
}

/// As Confluent has it: AVRO, the oldest type, goes without saying.
Json WithSchema(Json body, const schema::SchemaText& schema) {
  body["schema"] = schema.text;
  if (schema.kind != schema::SchemaKind::kAvro) body["schemaType"] = ToString(schema.kind);
  if (schema.references.empty()) return body;
  for (const auto& reference : schema.references) {
    body["references"].push_back(
        {{"name", reference.name}, {"subject", reference.subject}, {"version", reference.version}});
  }
  return body;
}

Json Described(const schema::SchemaVersion& version) {
  return WithSchema({{"subject", version.subject}, {"version", version.version}, {"id", version.id}}, version.schema);
}

/// Routes of one store.
class Adder {
 public:
  Adder(io::HttpRoutes& routes, RegistryStore& store) : routes_(routes), store_(store) {}

  using Body = std::function<Json(RegistryStore& store, const HttpCall& call)>;
  /// What only looks.
  void Add(const char* method, const char* pattern, Body body) { Route(method, pattern, "read", Printed(body)); }
  /// What changes the registry.
  void AddChange(const char* method, const char* pattern, Body body) {
    Route(method, pattern, "operate", Printed(body));
  }
  /// What answers with a schema, as it was stored.
  using TextBody = std::function<std::string(RegistryStore& store, const HttpCall& call)>;
  void AddText(const char* pattern, TextBody body) { Route("GET", pattern, "read", std::move(body)); }

 private:
  static TextBody Printed(Body body) {
    return [body = std::move(body)](RegistryStore& store, const HttpCall& call) { return Print(body(store, call)); };
  }

  void Route(const char* method, const char* pattern, const char* role, TextBody body) {
    io::HttpRoute route{.method = method, .pattern = pattern, .handler = {}};
    route.handler = [this_store = &store_, body = std::move(body)](HttpCall& call) {
      return Guarded(*this_store, call, body);
    };
    route.body_bytes_max = kBodyBytesMax;
    route.role = role;
    routes_.Add(std::move(route));
  }

  static HttpReply Guarded(RegistryStore& store, const HttpCall& call, const TextBody& body) {
    try {
      return Reply(200, body(store, call));
    } catch (const RegistryRefusal& refusal) {
      return Refusal(refusal.status(), refusal.code(), refusal.message());
    } catch (const Json::exception& strange) {
      return Refusal(400, 400, fmt::format("Unrecognized request: {}", strange.what()));
    }
  }

  io::HttpRoutes& routes_;
  RegistryStore& store_;
};

void AddSubjects(Adder& to) {
  to.Add("GET", "/subjects", [](RegistryStore& store, const HttpCall& call) -> Json {
    return store.Subjects(std::string(call.QueryValue("subjectPrefix").value_or("")), DeletedOf(call));
  });
  to.Add("POST", "/subjects/{subject}", [](RegistryStore& store, const HttpCall& call) -> Json {
    return Described(store.Lookup(SubjectOf(call), SchemaOf(BodyOf(call)), DeletedOf(call)));
  });
  to.AddChange("DELETE", "/subjects/{subject}", [](RegistryStore& store, const HttpCall& call) -> Json {
    return store.DeleteSubject(SubjectOf(call), Flag(call, "permanent"));
  });
  to.Add("GET", "/subjects/{subject}/versions", [](RegistryStore& store, const HttpCall& call) -> Json {
    return store.Versions(SubjectOf(call), DeletedOf(call));
  });
  to.AddChange("POST", "/subjects/{subject}/versions", [](RegistryStore& store, const HttpCall& call) -> Json {
    const auto body = BodyOf(call);
    return {
        {"id", store.Register(SubjectOf(call), SchemaOf(body), {Number(body, "id", 0), Number(body, "version", 1)})}};
  });
  to.Add("GET", "/subjects/{subject}/versions/{version}", [](RegistryStore& store, const HttpCall& call) -> Json {
    return Described(store.Get(SubjectOf(call), call.parameters.at("version"), DeletedOf(call)));
  });
  to.AddChange("DELETE", "/subjects/{subject}/versions/{version}",
               [](RegistryStore& store, const HttpCall& call) -> Json {
                 return store.DeleteVersion(SubjectOf(call), call.parameters.at("version"), Flag(call, "permanent"));
               });
  to.AddText("/subjects/{subject}/versions/{version}/schema", [](RegistryStore& store, const HttpCall& call) {
    return store.Get(SubjectOf(call), call.parameters.at("version"), DeletedOf(call)).schema.text;
  });
  to.Add("GET", "/subjects/{subject}/versions/{version}/referencedby",
         [](RegistryStore& store, const HttpCall& call) -> Json {
           return store.ReferencedBy(SubjectOf(call), call.parameters.at("version"));
         });
}

void AddSchemas(Adder& to) {
  to.Add("GET", "/schemas", [](RegistryStore& store, const HttpCall& call) -> Json {
    Json all = Json::array();
    const auto prefix = std::string(call.QueryValue("subjectPrefix").value_or(""));
    for (const auto& version : store.All(prefix, DeletedOf(call), Flag(call, "latestOnly"))) {
      all.push_back(Described(version));
    }
    return all;
  });
  to.Add("GET", "/schemas/types", [](RegistryStore&, const HttpCall&) -> Json { return {"JSON", "PROTOBUF", "AVRO"}; });
  to.Add("GET", "/schemas/ids/{id}", [](RegistryStore& store, const HttpCall& call) -> Json {
    return WithSchema(Json::object(), store.ById(IdOf(call)));
  });
  to.AddText("/schemas/ids/{id}/schema",
             [](RegistryStore& store, const HttpCall& call) { return store.ById(IdOf(call)).text; });
  to.Add("GET", "/schemas/ids/{id}/subjects", [](RegistryStore& store, const HttpCall& call) -> Json {
    Json subjects = Json::array();
    for (const auto& use : store.UsesOf(IdOf(call), DeletedOf(call))) {
      if (subjects.empty() || subjects.back() != use.subject) subjects.push_back(use.subject);
    }
    return subjects;
  });
  to.Add("GET", "/schemas/ids/{id}/versions", [](RegistryStore& store, const HttpCall& call) -> Json {
    Json uses = Json::array();
    for (const auto& use : store.UsesOf(IdOf(call), DeletedOf(call))) {
      uses.push_back({{"subject", use.subject}, {"version", use.version}});
    }
    return uses;
  });
}

Json Verdict(const HttpCall& call, const std::vector<std::string>& whys) {
  Json verdict{{"is_compatible", whys.empty()}};
  if (Flag(call, "verbose")) verdict["messages"] = whys;
  return verdict;
}

void AddCompatibility(Adder& to) {
  to.Add("POST", "/compatibility/subjects/{subject}/versions/{version}",
         [](RegistryStore& store, const HttpCall& call) -> Json {
           return Verdict(call, store.WhyNot(SubjectOf(call), call.parameters.at("version"), SchemaOf(BodyOf(call))));
         });
  to.Add("POST", "/compatibility/subjects/{subject}/versions", [](RegistryStore& store, const HttpCall& call) -> Json {
    return Verdict(call, store.WhyNot(SubjectOf(call), std::nullopt, SchemaOf(BodyOf(call))));
  });
}

Json GetLevel(RegistryStore& store, const HttpCall& call) {
  const auto subject = SubjectOf(call);
  if (!subject.empty() && !Flag(call, "defaultToGlobal") && !store.OwnCompatibility(subject)) {
    throw RegistryRefusal(40408,
                          fmt::format("Subject '{}' does not have subject-level compatibility configured", subject));
  }
  return {{"compatibilityLevel", ToString(store.CompatibilityOf(subject))}};
}

Json PutLevel(RegistryStore& store, const HttpCall& call) {
  const auto body = BodyOf(call);
  const auto word = body.find("compatibility");
  const auto level =
      word != body.end() && word->is_string() ? schema::ParseCompatibility(word->get<std::string>()) : std::nullopt;
  if (!level) {
    throw RegistryRefusal(42203,
                          "Invalid compatibility level. Valid values are none, backward, forward, full, "
                          "backward_transitive, forward_transitive, and full_transitive");
  }
  store.SetCompatibility(SubjectOf(call), level);
  return {{"compatibility", ToString(*level)}};
}

Json DeleteLevel(RegistryStore& store, const HttpCall& call) {
  const auto before = store.OwnCompatibility(SubjectOf(call));
  if (!before && !SubjectOf(call).empty())
    throw RegistryRefusal(40401, fmt::format("Subject '{}' not found.", SubjectOf(call)));
  store.SetCompatibility(SubjectOf(call), std::nullopt);
  return {{"compatibilityLevel", ToString(before.value_or(schema::Compatibility::kBackward))}};
}

Json GetMode(RegistryStore& store, const HttpCall& call) {
  const auto subject = SubjectOf(call);
  if (!subject.empty() && !Flag(call, "defaultToGlobal") && !store.OwnMode(subject)) {
    throw RegistryRefusal(40409, fmt::format("Subject '{}' does not have subject-level mode configured", subject));
  }
  return {{"mode", store.ModeOf(subject)}};
}

Json PutMode(RegistryStore& store, const HttpCall& call) {
  const auto body = BodyOf(call);
  const auto mode = body.find("mode");
  store.SetMode(SubjectOf(call), mode != body.end() && mode->is_string() ? mode->get<std::string>() : std::string(),
                Flag(call, "force"));
  return {{"mode", *mode}};
}

Json DeleteMode(RegistryStore& store, const HttpCall& call) {
  const auto before = store.OwnMode(SubjectOf(call));
  store.SetMode(SubjectOf(call), std::nullopt, false);
  return {{"mode", before.value_or("READWRITE")}};
}

}  // namespace

void AddRegistryRoutes(io::HttpRoutes& routes, RegistryStore& store) {
  Adder to(routes, store);
  AddSubjects(to);
  AddSchemas(to);
  AddCompatibility(to);
  for (const char* pattern : {"/config", "/config/{subject}"}) {
    to.Add("GET", pattern, GetLevel);
    to.AddChange("PUT", pattern, PutLevel);
    to.AddChange("DELETE", pattern, DeleteLevel);
  }
  for (const char* pattern : {"/mode", "/mode/{subject}"}) {
    to.Add("GET", pattern, GetMode);
    to.AddChange("PUT", pattern, PutMode);
    to.AddChange("DELETE", pattern, DeleteMode);
  }
  to.Add("GET", "/contexts", [](RegistryStore&, const HttpCall&) -> Json { return Json::array({"."}); });
}

}  // namespace millrace::api
