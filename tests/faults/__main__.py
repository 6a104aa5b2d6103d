"""Draft."""
import sys,time,shutil
from pathlib import Path
from tests.faults.network import go_inside
from tests.faults.world import World
from tests.demo.processes import ROOT

def main():
    code = go_inside("tests.faults")
    if code is not None: return code
    folder = ROOT/"build"/"faults"/"try"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with World(folder,"all-sites",print) as w:
        time.sleep(40)
        def show():
            for e in ("ent-est","ent-ouest"):
                print(e,{k[2]:(v.weight,v.up) for k,v in w.stage.weights_now.items() if k[0]=="edge-1" and k[1]==e})
        show()
        t=time.time()
        w.kill_site("b")
        print("killed")
        for _ in range(6):
            time.sleep(5); print(round(time.time()-t)); show()
        t=time.time(); w.return_site("b"); print("back", time.time()-t)
        for _ in range(12):
            time.sleep(10); print(round(time.time()-t)); show()
    return 0
sys.exit(main())
