package bench
import ("testing";"eucactl/plan")
func BenchmarkTmp(b *testing.B) {
	g := newBig(b)
	fe := g.host(b,"fe")
	node := g.host(b,"node7")
	v := g.c.Store.View()
	b.Run("compile-fe", func(b *testing.B){ for b.Loop() { plan.Compile(v, g.c.Inventory, fe) } })
	b.Run("compile-node", func(b *testing.B){ for b.Loop() { plan.Compile(v, g.c.Inventory, node) } })
	pf := plan.Compile(v, g.c.Inventory, fe)
	b.Run("render-fe", func(b *testing.B){ for b.Loop() { g.render(b, fe, pf) } })
	pn := plan.Compile(v, g.c.Inventory, node)
	b.Run("render-node", func(b *testing.B){ for b.Loop() { g.render(b, node, pn) } })
	b.Run("verb", func(b *testing.B){ for b.Loop() { g.run(b) } })
}
