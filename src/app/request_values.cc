#include "app/request_values.h"

#include <fmt/format.h>

#include <charconv>

namespace millrace::app {

std::optional<int64_t> NumberOf(const io::HttpCall& call, std::string_view name, NumberBounds bounds) {
  const auto text = call.QueryValue(name);
  if (!text) return std::nullopt;
  int64_t number = 0;
  const auto* last = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), last, number);
  if (error != std::errc() || end != last || number < bounds.min || number > bounds.max) {
    throw io::HttpRefusal(400, fmt::format("{} is a number from {} to {}", name, bounds.min, bounds.max));
  }
  return number;
}

std::string TextOf(const io::HttpCall& call, std::string_view name) {
  return std::string(call.QueryValue(name).value_or(""));
}

nlohmann::json ObjectOf(io::HttpCall& call) {
  const auto text = call.body->ReadAll();
  if (text.empty()) return nlohmann::json::object();
  auto body = nlohmann::json::parse(text, nullptr, false);
  if (!body.is_object()) throw io::HttpRefusal(400, "the body is no JSON object");
  return body;
}

bool FlagOf(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return false;
  if (!found->is_boolean()) throw io::HttpRefusal(400, fmt::format("\"{}\" is true or false", name));
  return found->get<bool>();
}

std::string TextOf(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string()) throw io::HttpRefusal(400, fmt::format("\"{}\" is no text", name));
  return found->get<std::string>();
}

io::HttpReply JsonOf(const nlohmann::ordered_json& answer) {
  return io::JsonReply(200, answer.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace millrace::app
