# The web app of src/console, compiled into the program: Vite bundles it, src/console/build.mjs writes bundle_files.cc.
# Without what `make setup` fetches for it where Node is there, the program is built all the same and its console is a
# page that says so (docs/adr/0016-console.md).
set(_console ${CMAKE_SOURCE_DIR}/src/console)
set(_console_made ${CMAKE_BINARY_DIR}/generated/console/bundle_files.cc)
find_program(MILLRACE_NODE node)
file(GLOB_RECURSE _console_sources CONFIGURE_DEPENDS
  ${_console}/page/* ${_console}/*.json ${_console}/*.ts ${_console}/*.mjs ${_console}/*.html)
if(MILLRACE_NODE AND EXISTS ${MILLRACE_DEPS}/console/node_modules)
  add_custom_command(OUTPUT ${_console_made} DEPENDS ${_console_sources} VERBATIM
    COMMAND ${MILLRACE_NODE} ${_console}/build.mjs ${_console} ${MILLRACE_DEPS}/console/node_modules ${CMAKE_BINARY_DIR}/console ${_console_made}
    COMMENT "Bundling the console")
else()
  message(WARNING "no Node 20, or none of its packages: the console is left out; with Node 20 run `make setup` and configure again")
  configure_file(${_console}/without_node.cc.in ${_console_made} COPYONLY)
endif()
add_library(millrace_console STATIC ${_console_made})
target_include_directories(millrace_console PUBLIC ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(millrace_console PUBLIC millrace_flags)
