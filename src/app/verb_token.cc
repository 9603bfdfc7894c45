#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/token_hash.h"
#include "app/verbs.h"
#include "base/error.h"

namespace millrace::app {
namespace {

constexpr size_t kTokenCharactersMin = 16;

struct Wanted {
  std::string name = "NAME";
  std::vector<std::string> roles = {"read"};
};

std::string ConfigLines(const Wanted& wanted, const api::TokenHash& hash) {
  return fmt::format("server:\n  tokens:\n    {}: {{ hash: \"{}\", roles: [{}] }}\n", wanted.name, hash.Print(),
                     fmt::join(wanted.roles, ", "));
}

ExitCode Make(const Session& session, const Wanted& wanted) {
  const auto token = api::NewToken();
  const auto hash = api::TokenHash::Of(token);
  if (session.json) {
    const nlohmann::ordered_json said = {
        {"token", token}, {"hash", hash.Print()}, {"config", ConfigLines(wanted, hash)}};
    fmt::print("{}\n", said.dump());
    return ExitCode::kDone;
  }
  fmt::print(stderr, "The token, which is shown this once and is stored nowhere:\n");
  fmt::print("{}\n", token);
  fmt::print(stderr, "What the configuration needs, which opens nothing:\n{}", ConfigLines(wanted, hash));
  return ExitCode::kDone;
}

ExitCode Hash(const Session& session, const Wanted& wanted) {
  std::string token;
  std::getline(std::cin, token);
  if (token.ends_with('\r')) token.pop_back();
  if (token.size() < kTokenCharactersMin) {
    throw Error(ErrorCode::kUsage, fmt::format("a token has at least {} characters, and they must be random: whoever "
                                               "sees the hash of a word can guess it; `millrace token new` makes one",
                                               kTokenCharactersMin));
  }
  const auto hash = api::TokenHash::Of(token);
  if (session.json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"hash", hash.Print()}, {"config", ConfigLines(wanted, hash)}}.dump());
    return ExitCode::kDone;
  }
  fmt::print("{}\n", hash.Print());
  return ExitCode::kDone;
}

void AddWanted(CLI::App& verb, Wanted& wanted) {
  verb.add_option("NAME", wanted.name, "Whose it is, in the configuration and the audit log")
      ->check([](const std::string& name) {
        return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
                       std::string::npos
                   ? std::string()
                   : std::string("a name is letters, digits, _ and -");
      });
  verb.add_option("--roles", wanted.roles, "What it is good for, in the lines of the configuration")
      ->delimiter(',')
      ->check(CLI::IsMember({"read", "ingest", "operate", "query", "admin"}));
}

}  // namespace

void AddToken(CLI::App& root, Session& session) {
  auto* token = AddVerbGroup(root, "token", "Tokens of the HTTP server: make one, hash one");
  const auto wanted = std::make_shared<Wanted>();
  auto* make = AddVerb(
      *token, session, "new", "Make a token; print it, its hash, and what the configuration needs",
      [&session, wanted] { return Make(session, *wanted); },
      "  millrace token new loader --roles ingest\n"
      "  millrace token new ops --roles read,operate > ops.token      # the token alone is on stdout");
  AddWanted(*make, *wanted);
  AddJsonOption(*make, session);
  auto* hash = AddVerb(
      *token, session, "hash", "The hash of a token that comes on stdin",
      [&session, wanted] { return Hash(session, *wanted); }, "  millrace token hash < ops.token");
  AddJsonOption(*hash, session);
}

}  // namespace millrace::app
