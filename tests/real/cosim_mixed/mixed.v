// SPDX-License-Identifier: AGPL-3.0-or-later
// Two bundles of 512 and 32 bits, scalars of 8 and 64 bits, a narrow write with byte strobes, no interrupt.
module mixed #(parameter BYTE = 8'h00) (
    input wire ap_clk, ap_rst_n,
    output reg m_axi_wide_AWVALID, output wire [63:0] m_axi_wide_AWADDR, output wire [7:0] m_axi_wide_AWLEN,
    output wire [2:0] m_axi_wide_AWSIZE, output wire [1:0] m_axi_wide_AWBURST, output wire [3:0] m_axi_wide_AWID,
    input wire m_axi_wide_AWREADY,
    output reg m_axi_wide_WVALID, output wire [511:0] m_axi_wide_WDATA, output wire [63:0] m_axi_wide_WSTRB,
    output wire m_axi_wide_WLAST, input wire m_axi_wide_WREADY,
    input wire m_axi_wide_BVALID, output wire m_axi_wide_BREADY, input wire [1:0] m_axi_wide_BRESP, input wire [3:0] m_axi_wide_BID,
    output reg m_axi_wide_ARVALID, output wire [63:0] m_axi_wide_ARADDR, output wire [7:0] m_axi_wide_ARLEN,
    output wire [2:0] m_axi_wide_ARSIZE, output wire [1:0] m_axi_wide_ARBURST, output wire [3:0] m_axi_wide_ARID,
    input wire m_axi_wide_ARREADY,
    input wire m_axi_wide_RVALID, m_axi_wide_RLAST, input wire [3:0] m_axi_wide_RID, input wire [511:0] m_axi_wide_RDATA,
    input wire [1:0] m_axi_wide_RRESP, output wire m_axi_wide_RREADY,
    output reg m_axi_thin_AWVALID, output wire [63:0] m_axi_thin_AWADDR, output wire [7:0] m_axi_thin_AWLEN,
    output wire [2:0] m_axi_thin_AWSIZE, output wire [1:0] m_axi_thin_AWBURST, output wire m_axi_thin_AWID,
    input wire m_axi_thin_AWREADY,
    output reg m_axi_thin_WVALID, output wire [31:0] m_axi_thin_WDATA, output wire [3:0] m_axi_thin_WSTRB,
    output wire m_axi_thin_WLAST, input wire m_axi_thin_WREADY,
    input wire m_axi_thin_BVALID, output wire m_axi_thin_BREADY, input wire [1:0] m_axi_thin_BRESP, input wire m_axi_thin_BID,
    output reg m_axi_thin_ARVALID, output wire [63:0] m_axi_thin_ARADDR, output wire [7:0] m_axi_thin_ARLEN,
    output wire [2:0] m_axi_thin_ARSIZE, output wire [1:0] m_axi_thin_ARBURST, output wire m_axi_thin_ARID,
    input wire m_axi_thin_ARREADY,
    input wire m_axi_thin_RVALID, m_axi_thin_RLAST, m_axi_thin_RID, input wire [31:0] m_axi_thin_RDATA,
    input wire [1:0] m_axi_thin_RRESP, output wire m_axi_thin_RREADY,
    input wire s_axi_regs_AWVALID, output wire s_axi_regs_AWREADY, input wire [6:0] s_axi_regs_AWADDR,
    input wire s_axi_regs_WVALID, output wire s_axi_regs_WREADY, input wire [31:0] s_axi_regs_WDATA,
    input wire [3:0] s_axi_regs_WSTRB, output wire [1:0] s_axi_regs_BRESP, output wire s_axi_regs_BVALID,
    input wire s_axi_regs_BREADY, input wire s_axi_regs_ARVALID, output wire s_axi_regs_ARREADY,
    input wire [6:0] s_axi_regs_ARADDR, output wire [31:0] s_axi_regs_RDATA, output wire [1:0] s_axi_regs_RRESP,
    output wire s_axi_regs_RVALID, input wire s_axi_regs_RREADY
);
    // x 0x10, state 0x1c, small_value 0x28, large_value 0x30, real 0x3c, few 0x48; the window ends at 0x54
    wire [17*32-1:0] args;
    wire [63:0] x = args[0 +: 64], state_at = args[3*32 +: 64], large_value = args[8*32 +: 64], real_ = args[11*32 +: 64], few = args[14*32 +: 64];
    wire [7:0] small_value = args[6*32 +: 8];
    wire start;
    reg [3:0] step;
    reg [63:0] value;
    reg [511:0] data;
    reg aw_done, w_done;
    wire done = step == 15;
    kernel_control #(.ADDR_WIDTH(7), .ARG_WORDS(17), .RESERVED(17'b1_0010_0100_1010_0100)) control (
        .clk(ap_clk), .reset(!ap_rst_n),
        .s_axi_AWVALID(s_axi_regs_AWVALID), .s_axi_AWREADY(s_axi_regs_AWREADY), .s_axi_AWADDR(s_axi_regs_AWADDR),
        .s_axi_WVALID(s_axi_regs_WVALID), .s_axi_WREADY(s_axi_regs_WREADY), .s_axi_WDATA(s_axi_regs_WDATA),
        .s_axi_WSTRB(s_axi_regs_WSTRB), .s_axi_BRESP(s_axi_regs_BRESP), .s_axi_BVALID(s_axi_regs_BVALID),
        .s_axi_BREADY(s_axi_regs_BREADY), .s_axi_ARVALID(s_axi_regs_ARVALID), .s_axi_ARREADY(s_axi_regs_ARREADY),
        .s_axi_ARADDR(s_axi_regs_ARADDR), .s_axi_RVALID(s_axi_regs_RVALID), .s_axi_RREADY(s_axi_regs_RREADY),
        .s_axi_RDATA(s_axi_regs_RDATA), .s_axi_RRESP(s_axi_regs_RRESP), .interrupt(), .args(args), .ap_start(start),
        .ap_done(done), .ap_ready(done), .ap_idle(step == 0 && !start));
    // wide: reads 64 bytes of x, writes them behind
    assign m_axi_wide_ARADDR = x;
    assign m_axi_wide_AWADDR = x + 64;
    assign {m_axi_wide_ARLEN, m_axi_wide_AWLEN} = 0;
    assign {m_axi_wide_ARSIZE, m_axi_wide_AWSIZE} = {3'd6, 3'd6};
    assign {m_axi_wide_ARBURST, m_axi_wide_AWBURST} = {2'd1, 2'd1};
    assign {m_axi_wide_ARID, m_axi_wide_AWID} = {4'd9, 4'd5};
    assign {m_axi_wide_RREADY, m_axi_wide_BREADY, m_axi_wide_WLAST} = 3'b111;
    assign m_axi_wide_WDATA = data;
    assign m_axi_wide_WSTRB = ~64'd0;
    // thin: reads and writes state[2] as a WRAP burst that begins at its upper word; then two bytes of few[1]
    assign m_axi_thin_ARADDR = state_at + 20;
    assign m_axi_thin_AWADDR = step < 10 ? state_at + 20 : few + 2;
    assign m_axi_thin_ARLEN = 1;
    assign m_axi_thin_AWLEN = step < 10 ? 1 : 0;
    assign m_axi_thin_ARSIZE = 2;
    assign m_axi_thin_AWSIZE = step < 10 ? 2 : 1;
    assign m_axi_thin_ARBURST = 2;
    assign m_axi_thin_AWBURST = step < 10 ? 2 : 1;
    assign {m_axi_thin_ARID, m_axi_thin_AWID} = 2'b01;
    assign {m_axi_thin_RREADY, m_axi_thin_BREADY} = 2'b11;
    reg beat;
    assign m_axi_thin_WDATA = step < 10 ? (beat ? value[31:0] : value[63:32]) : 32'h1234_0000;
    assign m_axi_thin_WSTRB = step < 10 ? 4'hf : 4'b1000;
    assign m_axi_thin_WLAST = step < 10 ? beat : 1;

    always @(posedge ap_clk)
        if (!ap_rst_n) begin
            step <= 0;
            {m_axi_wide_AWVALID, m_axi_wide_WVALID, m_axi_wide_ARVALID, m_axi_thin_AWVALID, m_axi_thin_WVALID, m_axi_thin_ARVALID} <= 0;
            {aw_done, w_done, beat} <= 0;
        end else begin
            if (m_axi_wide_ARREADY) m_axi_wide_ARVALID <= 0;
            if (m_axi_wide_AWREADY) m_axi_wide_AWVALID <= 0;
            if (m_axi_wide_WREADY) m_axi_wide_WVALID <= 0;
            if (m_axi_thin_ARREADY) m_axi_thin_ARVALID <= 0;
            if (m_axi_thin_AWREADY) m_axi_thin_AWVALID <= 0;
            if (m_axi_thin_WVALID && m_axi_thin_WREADY) begin
                beat <= !m_axi_thin_WLAST;
                if (m_axi_thin_WLAST) m_axi_thin_WVALID <= 0;
            end
            case (step)
                0: if (start) begin m_axi_wide_ARVALID <= 1; m_axi_thin_ARVALID <= 1; step <= 1; end
                1: begin
                    if (m_axi_wide_RVALID) begin data <= m_axi_wide_RDATA; aw_done <= 1; end
                    if (m_axi_thin_RVALID) begin
                        if (m_axi_thin_RLAST) begin value[31:0] <= m_axi_thin_RDATA; w_done <= 1; end
                        else value[63:32] <= m_axi_thin_RDATA;
                    end
                    if (aw_done && w_done) begin
                        value <= value + {{56{small_value[7]}}, small_value} + large_value + real_;
                        {aw_done, w_done} <= 0;
                        {m_axi_wide_AWVALID, m_axi_wide_WVALID, m_axi_thin_AWVALID, m_axi_thin_WVALID} <= 4'hf;
                        step <= 2;
                    end
                end
                2: begin
                    if (m_axi_wide_BVALID) aw_done <= 1;
                    if (m_axi_thin_BVALID) w_done <= 1;
                    if (aw_done && w_done) begin
                        {aw_done, w_done} <= 0;
                        {m_axi_thin_AWVALID, m_axi_thin_WVALID} <= 2'b11;
                        step <= 10;
                    end
                end
                10: if (m_axi_thin_BVALID) step <= 15;
                default: step <= 0;
            endcase
        end
endmodule
