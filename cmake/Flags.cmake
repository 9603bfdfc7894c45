# Flags every target shares: the millrace_flags interface target.
add_library(millrace_flags INTERFACE)
target_compile_options(millrace_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
# simdjson's On-Demand front end picks its kernel at compile time (docs/adr).
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(millrace_flags INTERFACE -march=x86-64-v3)
endif()

find_program(MOLD mold)
if(MOLD)
  target_link_options(millrace_flags INTERFACE -fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# First in the search order of symbols: libparquet of the Arrow wheel shows an OpenSSL of its own to the whole process, and
# TLS by parts of both crashes.
target_link_options(millrace_flags INTERFACE LINKER:--push-state,--no-as-needed -lssl -lcrypto LINKER:--pop-state)

set(MILLRACE_SANITIZE "" CACHE STRING "sanitizers: address,undefined | thread | fuzzer")
if(MILLRACE_SANITIZE)
  # g++ 12 sees uninitialised parts of std::function in <regex> under a sanitizer that are not.
  target_compile_options(millrace_flags INTERFACE -fsanitize=${MILLRACE_SANITIZE} -fno-omit-frame-pointer
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(millrace_flags INTERFACE -fsanitize=${MILLRACE_SANITIZE})
endif()
if(MILLRACE_SANITIZE STREQUAL "thread")
  add_library(millrace_c11_threads OBJECT ${CMAKE_SOURCE_DIR}/cmake/tsan/c11_threads.cc)
  target_compile_options(millrace_c11_threads PRIVATE -fsanitize=thread)
  target_link_libraries(millrace_flags INTERFACE $<TARGET_OBJECTS:millrace_c11_threads>)
endif()

option(MILLRACE_HARDEN "hardening flags of OpenSSF's compiler guide" OFF)
if(MILLRACE_HARDEN)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  target_compile_options(millrace_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS -fstack-clash-protection -fstack-protector-strong
    -fcf-protection=full -fno-delete-null-pointer-checks -fno-strict-overflow -ftrivial-auto-var-init=zero
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
  target_link_options(millrace_flags INTERFACE -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,nodlopen -Wl,--as-needed)
endif()
