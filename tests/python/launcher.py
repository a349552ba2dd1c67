"""A launcher that dies while its rank says hello to it: takes the connection, answers nothing, is killed, and the socket
stays open in this process. Prints how the rank ended; fails where it lives on.

launcher.py RELIN ARGUMENTS..."""
import os
import re
import socket
import subprocess
import sys
import time

server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(5)
given = subprocess.run(["mpirun", "-n", "1", "env"], capture_output=True, text=True, check=True).stdout
environment = dict(os.environ)
for line in given.splitlines():
    name, _, value = line.partition("=")
    if re.match("PMIX|OMPI", name):
        environment[name] = re.sub(r"tcp4://[\d.]+:\d+", "tcp4://127.0.0.1:%d" % server.getsockname()[1], value)
if not environment.get("PMIX_SERVER_URI2", "").count("127.0.0.1:"):
    sys.exit("skip: this mpirun has another way to be found")
launcher = subprocess.Popen(["sh", "-c", '"$@" & echo $!; wait', "-"] + sys.argv[1:], env=environment,
                            stdout=subprocess.PIPE, text=True)
rank = int(launcher.stdout.readline())
server.settimeout(60)
connection, _ = server.accept()
launcher.kill()
launcher.wait()
end = time.monotonic() + 30
while True:
    try:
        with open(f"/proc/{rank}/stat", encoding="ascii") as file:
            if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                break
    except OSError:
        break
    if time.monotonic() > end:
        os.kill(rank, 9)
        sys.exit("the rank lives on")
    time.sleep(0.05)
print("the rank has ended")
