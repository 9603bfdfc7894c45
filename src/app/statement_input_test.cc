#include "app/statement_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace millrace::app {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Cut(const std::vector<std::string>& lines, StatementInput& input) {
  std::vector<std::string> statements;
  for (const auto& line : lines) {
    input.AddLine(line);
    while (auto statement = input.Next()) statements.push_back(*statement);
  }
  return statements;
}

std::vector<std::string> Cut(const std::vector<std::string>& lines) {
  StatementInput input;
  return Cut(lines, input);
}

TEST(StatementInputTest, StatementsEndAtSemicolons) {
  EXPECT_THAT(Cut({"SELECT 1;"}), ElementsAre("SELECT 1"));
  EXPECT_THAT(Cut({"SELECT 1; SELECT", "2 ;"}), ElementsAre("SELECT 1", " SELECT\n2 "));
  EXPECT_THAT(Cut({";; ;", ""}), IsEmpty());
  StatementInput input;
  EXPECT_THAT(Cut({"SELECT 1; FROM"}, input), ElementsAre("SELECT 1"));
  EXPECT_EQ(input.rest(), " FROM\n");
  EXPECT_THAT(Cut({"t;  "}, input), ElementsAre(" FROM\nt"));
  EXPECT_EQ(input.rest(), "");
}

TEST(StatementInputTest, NotAtThoseInStringsNamesAndComments) {
  for (const std::string text : {"SELECT ';'", "SELECT 'it''s; '", "SELECT E'a\\'; b'", "SELECT \"a;\"\"b;\"",
                                 "SELECT 1 -- ; not\n+ 2", "SELECT /* ; ' */ 1", "SELECT $$a; '$$",
                                 "SELECT $tag$;$$;$tag$", "SELECT $1, $name", "SELECT date 'x;', lower('\\')"}) {
    EXPECT_THAT(Cut({text + ";"}), ElementsAre(text));
  }
  EXPECT_THAT(Cut({"SELECT '", ";", "';"}), ElementsAre("SELECT '\n;\n'"));
  EXPECT_THAT(Cut({"SELECT 'open;"}), IsEmpty());
  EXPECT_THAT(Cut({"-- only a comment;"}), IsEmpty());
}

}  // namespace
}  // namespace millrace::app
