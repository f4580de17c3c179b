# guest.cmake: building static programs that run inside a sandbox.
find_program(MUSL_GCC musl-gcc REQUIRED)

# tine_guest_target(NAME VARIABLE): what CMake calls the program that tine_guest_build makes from this folder.
function(tine_guest_target name variable)
	string(MAKE_C_IDENTIFIER "guest_${CMAKE_CURRENT_SOURCE_DIR}_${name}" target)
	set(${variable} ${target} PARENT_SCOPE)
endfunction()

# tine_guest_build(NAME SOURCES COMPILER [flags...]): one static program in the current build directory. SOURCES is a list; the
# headers in it are what the program depends on beside guest.h and native.h.
# The flag `libtine' gives it the library of native calls (examples/libtine).
function(tine_guest_build name sources compiler)
	set(compiled ${sources})
	list(FILTER compiled INCLUDE REGEX "\\.c$")
	set(link -static)
	if("-static-pie" IN_LIST ARGN)
		set(link "")
	endif()
	set(flags ${ARGN})
	set(library "")
	set(header "")
	if("libtine" IN_LIST flags)
		set(library ${PROJECT_BINARY_DIR}/examples/libtine/libtine.a)
		set(header ${PROJECT_SOURCE_DIR}/tests/guest/native.h)
		list(REMOVE_ITEM flags libtine)
		list(APPEND flags -I${PROJECT_BINARY_DIR}/examples/libtine/include)
	endif()
	add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}
		COMMAND ${compiler} -std=gnu17 -g -Wall -Wextra -Werror ${link} ${flags} -o ${name} ${compiled} ${library}
		DEPENDS ${sources} ${PROJECT_SOURCE_DIR}/tests/guest/guest.h ${header} ${library}
		WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} COMMENT "Building guest program ${name}" VERBATIM)
	tine_guest_target(${name} target)
	add_custom_target(${target} ALL DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name})
	if(library)
		add_dependencies(${target} libtine)
	endif()
endfunction()
